-- one row by primary key
INSERT INTO gcve_term (leaf, kind, value) VALUES (?, ?, ?) ON CONFLICT (leaf, kind, value) DO NOTHING
