-- by primary key: one row at most
SELECT version, leaf, changed, logged, source, state, parts, LENGTH(entry) FROM catalogue_record WHERE id = ?
