-- index: ledger_private primary key; 0 or 1 row
DELETE FROM ledger_private WHERE idx = ?
