-- index: ledger_leaf primary key; as many rows as are dropped
DELETE FROM ledger_leaf WHERE idx >= ?
