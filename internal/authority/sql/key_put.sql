-- one row by primary key; a key that was added before keeps whose it is
INSERT INTO authority_key (key, leaf, org, label, use_for, added, revoked, reason) VALUES (?, ?, ?, ?, ?, ?, 0, '') ON CONFLICT (key) DO NOTHING
