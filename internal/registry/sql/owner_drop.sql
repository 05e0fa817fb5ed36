-- by primary key: one row
DELETE FROM registry_owner WHERE leaf = ?
