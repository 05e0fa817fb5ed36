-- by primary key: one row
UPDATE registry_block SET org = ? WHERE leaf = ?
