-- by primary key: one row at most
SELECT leaf, changed, logged FROM catalogue_record WHERE id = ?
