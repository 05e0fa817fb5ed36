-- primary key; one row
INSERT INTO continuity_collected (origin, size, root, note) VALUES (?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
