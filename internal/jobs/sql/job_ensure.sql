-- Primary key; at most one row.
INSERT INTO job (name, next_at, lease_owner, lease_until, last_start, last_end, last_node, last_error, last_note, failures)
VALUES (?, ?, '', 0, 0, 0, '', '', '', 0)
ON CONFLICT (name) DO NOTHING
