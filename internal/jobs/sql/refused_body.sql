-- Primary key; at most one row.
SELECT body FROM import_refused WHERE feed = ? AND source = ? AND path = ?
