-- the whole table, for its digest
SELECT id, year, state, owner, record, opened, reserved, public, modified FROM registry_id
