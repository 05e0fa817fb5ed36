-- primary key; one row: of two stops the smaller size stands
INSERT INTO continuity_refusal (origin, size, kind, leaf, reason, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, kind = excluded.kind, leaf = excluded.leaf, reason = excluded.reason, at = excluded.at
WHERE excluded.size < continuity_refusal.size
