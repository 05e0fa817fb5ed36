-- by primary key: one row
INSERT INTO catalogue_record (id, leaf, changed, logged, entry) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf, changed = excluded.changed, logged = excluded.logged, entry = excluded.entry
