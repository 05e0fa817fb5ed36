-- by primary key: one row at most
SELECT state, owner, record, opened, reserved, public, modified FROM registry_id WHERE id = ?
