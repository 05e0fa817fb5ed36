-- by primary key: one row at most
SELECT id FROM registry_requester WHERE leaf = ? AND reserved > 0
