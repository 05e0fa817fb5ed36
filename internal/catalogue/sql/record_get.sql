-- by primary key: one row at most
SELECT version, leaf, changed, logged, source, state FROM catalogue_record WHERE id = ?
