-- by primary key: one row
INSERT INTO catalogue_record (id, leaf, version, changed, logged, source, state, entry) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf, version = excluded.version, changed = excluded.changed, logged = excluded.logged,
	source = excluded.source, state = excluded.state, entry = excluded.entry
