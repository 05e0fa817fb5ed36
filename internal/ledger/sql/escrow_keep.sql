-- index: ledger_escrow primary key; 0 or 1 row
UPDATE ledger_escrow SET recipients = ?, ciphertext = ? WHERE idx = ? AND length(ciphertext) <= ?
