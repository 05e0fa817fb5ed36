-- index: ledger_tile primary key; at most 256 rows
SELECT n, root FROM ledger_tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n
