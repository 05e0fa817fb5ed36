-- newest first by registry_requester_person
SELECT leaf, id FROM registry_requester WHERE person = ? AND leaf < ? ORDER BY leaf DESC LIMIT ?
