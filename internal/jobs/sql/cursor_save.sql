-- Primary key; one row.
INSERT INTO job_cursor (name, value, at) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, at = excluded.at
