-- index: primary keys of ledger_escrow and ledger_private; at most as many rows as asked for
SELECT e.idx FROM ledger_escrow e LEFT JOIN ledger_private p ON p.idx = e.idx WHERE e.idx >= ? AND p.idx IS NULL ORDER BY e.idx LIMIT ?
