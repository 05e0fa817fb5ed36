-- by primary key: one row
INSERT INTO registry_record (id, state, base, assigner, updated, sha256, reserved) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, base = excluded.base, assigner = excluded.assigner,
	updated = excluded.updated, sha256 = excluded.sha256, reserved = excluded.reserved
