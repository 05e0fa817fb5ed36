-- index: ledger_tile primary key; one row per level
SELECT level, COUNT(n), MIN(n), MAX(n) FROM ledger_tile GROUP BY level ORDER BY level
