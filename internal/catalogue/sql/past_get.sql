-- by primary key: one row at most
SELECT leaf, erased, changed, logged, source, state, parts, LENGTH(entry) FROM catalogue_past WHERE leaf = ? AND id = ?
