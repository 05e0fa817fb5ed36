-- index: ledger_escrow primary key; at most as many rows as asked for
SELECT idx, recipients, ciphertext FROM ledger_escrow WHERE idx >= ? AND idx < ? AND length(ciphertext) > 0 ORDER BY idx LIMIT ?
