-- index: primary keys of ledger_escrow, ledger_private and ledger_leaf; at most as many rows as asked for
SELECT e.idx, e.ciphertext, l.leaf FROM ledger_escrow e JOIN ledger_leaf l ON l.idx = e.idx LEFT JOIN ledger_private p ON p.idx = e.idx
WHERE e.idx >= ? AND p.idx IS NULL AND length(e.ciphertext) > 0 ORDER BY e.idx LIMIT ?
