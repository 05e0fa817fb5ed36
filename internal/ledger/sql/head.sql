-- index: ledger_head primary key; 1 row
SELECT size, edge, time FROM ledger_head WHERE one = 1
