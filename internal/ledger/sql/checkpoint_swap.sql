-- index: ledger_checkpoint primary key; 1 row, or none if another node signed meanwhile (compare-and-swap)
UPDATE ledger_checkpoint SET size = ?, root = ?, note = ?, time = ? WHERE origin = ? AND size = ? AND root = ?
