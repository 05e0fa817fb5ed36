-- one row by primary key
INSERT INTO governance_clock (leaf, what, case_id, cve, org, started, due, ended, pack) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)
