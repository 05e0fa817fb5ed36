-- index: primary keys of ledger_private and ledger_escrow; at most as many rows as asked for
SELECT p.idx, p.salt, p.body FROM ledger_private p LEFT JOIN ledger_escrow e ON e.idx = p.idx AND e.recipients = ?
WHERE p.idx >= ? AND e.idx IS NULL ORDER BY p.idx LIMIT ?
