-- index: ledger_checkpoint primary key; 0 or 1 row
SELECT origin, size, root, note, time FROM ledger_checkpoint WHERE origin = ?
