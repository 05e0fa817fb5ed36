-- index: primary keys of ledger_leaf and ledger_body; as many rows as the range holds
SELECT l.idx, l.leaf, b.salt, b.hash, b.n, b.enc, b.dict, b.packed
FROM ledger_leaf l LEFT JOIN ledger_body b ON b.idx = l.idx
WHERE l.idx >= ? AND l.idx < ? ORDER BY l.idx
