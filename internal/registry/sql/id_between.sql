-- by primary keys: identifiers from one to another that anybody has taken; those of another length stand between them as text
SELECT id FROM registry_id WHERE id >= ? AND id <= ? AND LENGTH(id) = ?
UNION ALL SELECT id FROM registry_record WHERE id >= ? AND id <= ? AND LENGTH(id) = ?
