-- catalogue_record_leaf, and one end of catalogue_past_id for each row: every record changed at or after a leaf, oldest change first,
-- with the leaf of its first version
SELECT id, leaf, version, changed, source, COALESCE((SELECT MIN(p.leaf) FROM catalogue_past p WHERE p.id = catalogue_record.id), version), entry
FROM catalogue_record WHERE leaf >= ? ORDER BY leaf
