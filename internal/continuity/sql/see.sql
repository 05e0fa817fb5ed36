-- primary key; one row
INSERT INTO continuity_cosigned (origin, seen_size, seen_root, seen_note, size, root, note, sealed) VALUES (?, ?, ?, ?, 0, '', '', 0)
ON CONFLICT (origin) DO UPDATE SET seen_size = excluded.seen_size, seen_root = excluded.seen_root, seen_note = excluded.seen_note
