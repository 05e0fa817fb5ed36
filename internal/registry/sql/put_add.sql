-- by primary key: one row
INSERT INTO registry_put (leaf, id, cont, org, hash) VALUES (?, ?, ?, ?, ?)
