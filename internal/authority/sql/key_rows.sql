-- every row
SELECT key, leaf, org, label, use_for, added, revoked, reason FROM authority_key
