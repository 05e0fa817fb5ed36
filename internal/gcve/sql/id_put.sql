-- one row by primary key
INSERT INTO gcve_id (id, year, num, state, leaf, newest, hash, given, first, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, newest = excluded.newest, hash = excluded.hash, first = excluded.first, changed = excluded.changed
