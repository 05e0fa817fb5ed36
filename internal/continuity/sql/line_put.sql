-- primary key; one row
INSERT INTO continuity_line (origin, size, mirror, note) VALUES (?, ?, ?, ?) ON CONFLICT (origin, mirror, size) DO UPDATE SET note = excluded.note
