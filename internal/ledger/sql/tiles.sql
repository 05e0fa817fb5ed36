-- index: ledger_tile primary key; one row per full tile of the level
SELECT n, root, hashes FROM ledger_tile WHERE level = ? AND n >= ? AND n < ? ORDER BY n
