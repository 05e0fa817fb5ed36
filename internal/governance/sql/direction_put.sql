-- one row by primary key
INSERT INTO governance_direction (leaf, case_id, org, cve, ended) VALUES (?, ?, ?, ?, -1)
