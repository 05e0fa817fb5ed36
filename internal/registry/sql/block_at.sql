-- by primary key: one row at most, with its private owner by registry_block_owner_block
SELECT b.leaf, b.year, b.first, b.last, b.owner, b.key, b.by_org, b.granted, b.closed, b.org, COALESCE(o.org, ''), o.salt
FROM registry_block b LEFT JOIN registry_block_owner o ON o.block = b.leaf
WHERE b.leaf = ?
