-- index: ledger_leaf primary key; as many rows as the range holds
SELECT idx, leaf FROM ledger_leaf WHERE idx >= ? AND idx < ? ORDER BY idx
