-- primary key; one row
INSERT INTO continuity_report (hash, note) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING
