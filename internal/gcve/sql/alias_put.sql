-- one row by primary key
INSERT INTO gcve_alias (leaf, idkey, alias) VALUES (?, ?, ?)
