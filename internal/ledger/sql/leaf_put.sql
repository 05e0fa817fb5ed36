-- index: ledger_leaf primary key; 1 row
INSERT INTO ledger_leaf (idx, leaf) VALUES (?, ?)
