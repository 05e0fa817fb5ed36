-- by primary key: one row
SELECT count(*) FROM registry_id WHERE id = ?
