-- at most one row by primary key
SELECT key, leaf, org, label, use_for, added, revoked, reason FROM authority_key WHERE key = ?
