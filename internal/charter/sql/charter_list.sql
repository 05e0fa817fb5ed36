-- primary key in order; a handful of rows
SELECT v, doc FROM charter ORDER BY v
