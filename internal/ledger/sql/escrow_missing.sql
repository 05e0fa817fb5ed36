-- index: ledger_escrow primary key; at most as many rows as asked for
SELECT idx FROM ledger_escrow WHERE idx >= ? AND recipients <> ? ORDER BY idx LIMIT ?
