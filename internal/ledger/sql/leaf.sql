-- index: ledger_leaf primary key; 0 or 1 row
SELECT leaf FROM ledger_leaf WHERE idx = ?
