-- index: ledger_leaf primary key; 1 row
SELECT COALESCE(MAX(idx) + 1, 0) FROM ledger_leaf
