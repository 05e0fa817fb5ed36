-- catalogue_record_leaf: every record changed at or after a leaf, oldest change first
SELECT id, leaf, version, changed, source, entry FROM catalogue_record WHERE leaf >= ? ORDER BY leaf
