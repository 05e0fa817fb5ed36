-- primary key; one row
INSERT INTO continuity_report (hash, note, at) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING
