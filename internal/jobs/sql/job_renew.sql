-- Primary key; one row while the lease is ours.
UPDATE job SET lease_until = ? WHERE name = ? AND lease_owner = ?
