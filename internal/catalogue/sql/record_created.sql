-- by primary key, and one end of catalogue_past_id: one row at most, the leaf of a record's first version
SELECT COALESCE((SELECT MIN(p.leaf) FROM catalogue_past p WHERE p.id = catalogue_record.id), version) FROM catalogue_record WHERE id = ?
