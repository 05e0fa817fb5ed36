-- index: ledger_escrow primary key; as many rows as are dropped
DELETE FROM ledger_escrow WHERE idx >= ?
