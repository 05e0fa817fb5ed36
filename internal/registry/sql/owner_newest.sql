-- registry_owner_id: one row at most
SELECT leaf, org, time FROM registry_owner WHERE id = ? ORDER BY leaf DESC LIMIT 1
