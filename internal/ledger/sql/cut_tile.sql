-- index: ledger_tile primary key; as many rows as are dropped
DELETE FROM ledger_tile WHERE level = ? AND n >= ?
