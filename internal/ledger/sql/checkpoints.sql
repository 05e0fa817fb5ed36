-- index: none, the table has one row per epoch
SELECT origin, size, root, note, time FROM ledger_checkpoint ORDER BY size, time
