-- index: primary keys of ledger_escrow and ledger_private; at most as many rows as asked for
SELECT e.idx, e.ciphertext FROM ledger_escrow e LEFT JOIN ledger_private p ON p.idx = e.idx
WHERE e.idx >= ? AND p.idx IS NULL AND length(e.ciphertext) > 0 ORDER BY e.idx LIMIT ?
