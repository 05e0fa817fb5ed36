-- index: ledger_head primary key; 1 row. The row lock makes commit order log order over all nodes.
SELECT size, edge, time FROM ledger_head WHERE one = 1 FOR UPDATE
