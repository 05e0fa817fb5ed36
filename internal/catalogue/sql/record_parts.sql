-- by primary key: one row at most
SELECT version, parts FROM catalogue_record WHERE id = ?
