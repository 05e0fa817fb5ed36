-- by primary key: one row at most
SELECT changed, entry FROM catalogue_past WHERE leaf = ?
