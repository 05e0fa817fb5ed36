-- index: ledger_escrow primary key; 0 or 1 row
DELETE FROM ledger_escrow WHERE idx = ?
