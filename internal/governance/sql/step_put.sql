-- one row by primary key
INSERT INTO governance_step (leaf, case_id, kind, cve, ids, by_org, org, from_org, to_org, level, reason, outcome, source, due, pack, at, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
