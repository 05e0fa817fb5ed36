-- index: ledger_private primary key; 0 or 1 row
SELECT salt, body FROM ledger_private WHERE idx = ?
