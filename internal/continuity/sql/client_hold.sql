-- primary key; one row
INSERT INTO continuity_client (one, size, root, origin, epoch, note, newest, hold, hold_a, hold_b, hold_at) VALUES (1, 0, '', '', 0, '', 0, ?, ?, ?, ?)
ON CONFLICT (one) DO UPDATE SET hold = excluded.hold, hold_a = excluded.hold_a, hold_b = excluded.hold_b, hold_at = excluded.hold_at
