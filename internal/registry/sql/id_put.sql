-- by primary key: one row
INSERT INTO registry_id (id, year, state, owner, record, opened, reserved, public, modified, given) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, owner = excluded.owner, record = excluded.record,
	opened = excluded.opened, reserved = excluded.reserved, public = excluded.public, modified = excluded.modified,
	given = excluded.given
