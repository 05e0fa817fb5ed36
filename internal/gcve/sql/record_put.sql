-- one row by primary key
INSERT INTO gcve_record (idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (idkey, origin) DO UPDATE SET id = excluded.id, source = excluded.source, leaf = excluded.leaf, state = excluded.state, reserved = excluded.reserved,
	published = excluded.published, updated = excluded.updated, rejected = excluded.rejected, logged = excluded.logged, sha256 = excluded.sha256, title = excluded.title
