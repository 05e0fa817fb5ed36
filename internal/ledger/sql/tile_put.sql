-- index: ledger_tile primary key; 1 row
INSERT INTO ledger_tile (level, n, root, hashes) VALUES (?, ?, ?, ?)
