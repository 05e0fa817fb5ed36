-- by primary key: one row
INSERT INTO catalogue_record (id, leaf, version, changed, logged, source, state, parts, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf, version = excluded.version, changed = excluded.changed, logged = excluded.logged,
	source = excluded.source, state = excluded.state, parts = excluded.parts, entry = excluded.entry
