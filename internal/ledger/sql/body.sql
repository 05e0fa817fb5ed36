-- index: ledger_body primary key; 0 or 1 row
SELECT salt, hash, n, enc, dict, packed FROM ledger_body WHERE idx = ?
