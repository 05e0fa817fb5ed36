-- Primary key; one row when the job is due and free.
UPDATE job SET lease_owner = ?, lease_until = ?, last_start = ?, last_node = ?
WHERE name = ? AND next_at <= ? AND (lease_owner = '' OR lease_until <= ?)
