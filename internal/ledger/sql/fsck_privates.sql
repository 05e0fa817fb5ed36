-- index: ledger_private primary key; as many rows as the range holds
SELECT idx, salt, body FROM ledger_private WHERE idx >= ? AND idx < ? ORDER BY idx
