-- index: ledger_body_hash; 0 or 1 row (the prefix finds it, the whole hash decides)
SELECT idx, salt, hash, n, enc, dict, packed FROM ledger_body WHERE substr(hash, 1, 8) = ? AND hash = ?
