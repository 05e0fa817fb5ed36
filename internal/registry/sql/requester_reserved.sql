-- registry_requester_id: one row at most
SELECT reserved FROM registry_requester WHERE id = ? AND reserved > 0 ORDER BY leaf DESC LIMIT 1
