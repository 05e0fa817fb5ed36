-- by primary key: one row at most
SELECT state, owner, record, opened, reserved, public, modified, given FROM registry_id WHERE id = ?
