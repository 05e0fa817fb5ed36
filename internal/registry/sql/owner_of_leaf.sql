-- by primary key: one row at most
SELECT id FROM registry_owner WHERE leaf = ? AND public = 0
