-- one row by primary key
INSERT INTO governance_note (leaf, case_id, step, body) VALUES (?, ?, ?, ?)
