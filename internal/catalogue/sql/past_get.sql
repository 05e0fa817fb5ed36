-- by primary key: one row at most
SELECT leaf, erased, changed, logged, source, state FROM catalogue_past WHERE leaf = ? AND id = ?
