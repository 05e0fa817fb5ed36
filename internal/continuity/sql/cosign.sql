-- primary key; one row, or none: a sealed origin, a smaller size and another root at the same size are refused here, whoever asks
INSERT INTO continuity_cosigned (origin, seen_size, seen_root, seen_note, size, root, note, sealed) VALUES (?, 0, '', '', ?, ?, ?, 0)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
WHERE continuity_cosigned.sealed = 0
  AND (excluded.size > continuity_cosigned.size OR (excluded.size = continuity_cosigned.size AND excluded.root = continuity_cosigned.root))
