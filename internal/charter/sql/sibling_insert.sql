-- primary key; one row
INSERT INTO charter_sibling (v, hash, doc) VALUES (?, ?, ?)
