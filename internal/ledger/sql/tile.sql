-- index: ledger_tile primary key; 0 or 1 row
SELECT hashes FROM ledger_tile WHERE level = ? AND n = ?
