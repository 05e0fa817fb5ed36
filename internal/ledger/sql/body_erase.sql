-- index: ledger_body primary key; 0 or 1 row
DELETE FROM ledger_body WHERE idx = ?
