-- Primary key; at most one row.
INSERT INTO blob (digest, size, packed, body) VALUES (?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING
