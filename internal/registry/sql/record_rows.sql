-- the whole table, for its digest
SELECT id, state, base, assigner, updated, sha256 FROM registry_record
