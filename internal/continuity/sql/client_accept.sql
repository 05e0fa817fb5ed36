-- primary key; one row, or none: a view never goes back, whoever asks
INSERT INTO continuity_client (one, size, root, origin, epoch, note, newest, hold, hold_a, hold_b, hold_at) VALUES (1, ?, ?, ?, ?, ?, ?, '', '', '', 0)
ON CONFLICT (one) DO UPDATE SET size = excluded.size, root = excluded.root, origin = excluded.origin, epoch = excluded.epoch, note = excluded.note,
  newest = excluded.newest
WHERE excluded.size > continuity_client.size OR (excluded.size = continuity_client.size AND excluded.root = continuity_client.root)
