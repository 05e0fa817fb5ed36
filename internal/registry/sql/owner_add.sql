-- by primary key: one row
INSERT INTO registry_owner (leaf, id, org, time) VALUES (?, ?, ?, ?)
