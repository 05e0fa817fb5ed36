-- catalogue_record_leaf, catalogue_record_erased and the primary key of catalogue_past, one end of each: one row, null when
-- there is no record
SELECT MIN(leaf) FROM (
	SELECT MIN(leaf) AS leaf FROM catalogue_record
	UNION ALL SELECT MIN(version) FROM catalogue_record WHERE leaf > version
	UNION ALL SELECT MIN(leaf) FROM catalogue_past) firsts
