-- one row by primary key
INSERT INTO gcve_directory (leaf, source, digest, updated, logged) VALUES (?, ?, ?, ?, ?)
