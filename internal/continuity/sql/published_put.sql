-- primary key; one row, or none: what is published never goes back, whoever asks
INSERT INTO continuity_published (origin, size, root, note) VALUES (?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note
WHERE excluded.size > continuity_published.size OR (excluded.size = continuity_published.size AND excluded.root = continuity_published.root)
