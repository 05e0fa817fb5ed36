-- one row by primary key
INSERT INTO governance_about (cve, case_id) VALUES (?, ?) ON CONFLICT DO NOTHING
