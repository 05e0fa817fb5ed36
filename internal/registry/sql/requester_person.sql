-- every fact of one person: a scan of registry_requester; rare
SELECT leaf FROM registry_requester WHERE person = ? ORDER BY leaf
