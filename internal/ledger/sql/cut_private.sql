-- index: ledger_private primary key; as many rows as are dropped
DELETE FROM ledger_private WHERE idx >= ?
