-- index: ledger_head primary key; 1 row. SQLite's write transaction already excludes other writers.
SELECT size, edge, time FROM ledger_head WHERE one = 1
