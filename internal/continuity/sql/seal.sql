-- primary key; one row. It locks the row, so that no cosignature is recorded between it and the statement
INSERT INTO continuity_cosigned (origin, seen_size, seen_root, seen_note, size, root, note, sealed) VALUES (?, 0, '', '', 0, '', '', 1)
ON CONFLICT (origin) DO UPDATE SET sealed = 1
