-- Primary key; at most one row.
SELECT value FROM job_cursor WHERE name = ?
