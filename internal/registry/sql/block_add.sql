-- by primary key: one row
INSERT INTO registry_block (leaf, year, first, last, owner, key, by_org, granted, closed, org) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, '')
