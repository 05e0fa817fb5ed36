-- by primary key: one row at most
SELECT org FROM registry_owner WHERE leaf = ?
