-- by primary key: one row at most
SELECT state, base, assigner, updated, sha256, reserved FROM registry_record WHERE id = ?
