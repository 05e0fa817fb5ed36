-- the identifiers of one organisation by registry_id_owner
SELECT COALESCE(MAX(modified), 0) FROM registry_id WHERE owner = ?
