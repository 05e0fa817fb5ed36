-- registry_id_owner: one row
SELECT count(*) FROM registry_id WHERE owner = ? AND reserved >= ?
