-- index: ledger_private and ledger_escrow primary keys; 1 row, or none where the private body is not here any more
INSERT INTO ledger_escrow (idx, recipients, ciphertext) SELECT idx, ?, ? FROM ledger_private WHERE idx = ?
ON CONFLICT (idx) DO UPDATE SET recipients = excluded.recipients, ciphertext = excluded.ciphertext
