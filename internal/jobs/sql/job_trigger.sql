-- Primary key; at most one row.
UPDATE job SET next_at = ? WHERE name = ? AND next_at > ?
