-- index: ledger_escrow primary key; 1 row
INSERT INTO ledger_escrow (idx, recipients, ciphertext) VALUES (?, ?, ?)
