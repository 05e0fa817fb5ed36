-- the whole table, for its digest
SELECT id, state, base, assigner, updated, sha256, reserved FROM registry_record
