-- by primary key: one row
INSERT INTO registry_block_owner (leaf, block, org, salt) VALUES (?, ?, ?, ?) ON CONFLICT (block) DO NOTHING
