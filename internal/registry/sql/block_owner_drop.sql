-- by primary key: one row
DELETE FROM registry_block_owner WHERE leaf = ?
