-- index: ledger_private primary key; 1 row
INSERT INTO ledger_private (idx, salt, body) VALUES (?, ?, ?)
