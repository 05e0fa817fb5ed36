-- registry_put_id: the containers of one identifier
DELETE FROM registry_put WHERE id = ?
