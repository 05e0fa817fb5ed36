-- index: ledger_escrow primary key; 1 row
INSERT INTO ledger_escrow (idx, recipients, ciphertext) VALUES (?, ?, ?)
ON CONFLICT (idx) DO UPDATE SET recipients = excluded.recipients, ciphertext = excluded.ciphertext
