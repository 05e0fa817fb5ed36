-- registry_requester_id: one row at most
SELECT org, person FROM registry_requester WHERE id = ? ORDER BY leaf DESC LIMIT 1
