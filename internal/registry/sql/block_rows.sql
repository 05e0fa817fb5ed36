-- the whole table, for its digest
SELECT leaf, year, first, last, owner, key, by_org, granted, closed, org FROM registry_block
