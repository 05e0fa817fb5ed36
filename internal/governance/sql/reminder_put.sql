-- one row by primary key
INSERT INTO governance_reminder (clock, stage, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
