-- registry_put_id: the containers of one identifier, oldest first
SELECT leaf, cont, org, hash FROM registry_put WHERE id = ? ORDER BY leaf
