-- by primary key: one row
DELETE FROM registry_requester WHERE leaf = ?
