-- index: ledger_lease primary key; 0 or 1 row
DELETE FROM ledger_lease WHERE name = ? AND holder = ?
