-- by primary key: one row at most
SELECT changed, entry FROM catalogue_record WHERE id = ?
