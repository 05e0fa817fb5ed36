-- a few rows by authority_key_org, in the order they were added
SELECT key, leaf, org, label, use_for, added, revoked, reason FROM authority_key WHERE org = ? ORDER BY leaf
