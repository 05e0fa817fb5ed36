-- Primary key; at most one row.
DELETE FROM import_refused WHERE feed = ? AND source = ? AND path = ?
