-- by primary key: one row
INSERT INTO registry_requester (leaf, id, org, person, reserved) VALUES (?, ?, ?, ?, ?)
