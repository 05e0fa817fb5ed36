-- the whole table, for its digest
SELECT id, year, state, owner, record, opened, reserved, public, modified, given FROM registry_id
