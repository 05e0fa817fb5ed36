-- index of (origin, charter); one row
INSERT INTO continuity_seal (nr, origin, charter, size, root, note) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (origin, charter) DO NOTHING
