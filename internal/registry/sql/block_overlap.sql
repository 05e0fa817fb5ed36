-- registry_block_year: the blocks of a year that share a number with a range
SELECT b.leaf, b.year, b.first, b.last, b.owner, b.key, b.by_org, b.granted, b.closed, b.org, COALESCE(o.org, ''), o.salt
FROM registry_block b LEFT JOIN registry_block_owner o ON o.block = b.leaf
WHERE b.year = ? AND b.first <= ? AND b.last >= ? ORDER BY b.last - b.first, b.leaf
