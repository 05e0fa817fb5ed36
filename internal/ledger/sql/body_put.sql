-- index: ledger_body primary key; 1 row
INSERT INTO ledger_body (idx, salt, hash, n, enc, dict, packed) VALUES (?, ?, ?, ?, ?, ?, ?)
