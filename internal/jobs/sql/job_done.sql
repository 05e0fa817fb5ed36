-- Primary key; one row while the lease is ours.
UPDATE job SET lease_owner = '', lease_until = 0, last_end = ?, last_error = ?, last_note = ?, failures = ?, next_at = ?
WHERE name = ? AND lease_owner = ?
