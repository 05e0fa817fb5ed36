-- by primary key: one row at most
SELECT parts FROM catalogue_record WHERE id = ?
