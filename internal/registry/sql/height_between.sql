-- a year of each table by its primary key: one row. Identifiers of more than eight digits are beyond every block
SELECT COALESCE(max(number), 0) FROM (
	SELECT CAST(substr(id, 10) AS BIGINT) AS number FROM registry_record WHERE id >= ? AND id < ? AND length(id) <= 17
	UNION ALL SELECT CAST(substr(id, 10) AS BIGINT) FROM registry_id WHERE id >= ? AND id < ? AND length(id) <= 17
) AS numbers WHERE number >= ? AND number <= ?
