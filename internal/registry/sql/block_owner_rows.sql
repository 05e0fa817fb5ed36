-- the whole table, for its digest
SELECT leaf, block, org, salt FROM registry_block_owner
