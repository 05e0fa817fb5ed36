-- by primary key: one row, which a public leaf says and no erasure takes
INSERT INTO registry_owner (leaf, id, org, time, public) VALUES (?, ?, ?, ?, 1)
