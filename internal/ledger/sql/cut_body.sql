-- index: ledger_body primary key; as many rows as are dropped
DELETE FROM ledger_body WHERE idx >= ?
