-- newest first by registry_put_org
SELECT leaf, id FROM registry_put WHERE org = ? AND leaf < ? ORDER BY leaf DESC LIMIT ?
