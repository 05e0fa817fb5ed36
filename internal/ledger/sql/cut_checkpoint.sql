-- a handful of rows
DELETE FROM ledger_checkpoint WHERE size > ?
