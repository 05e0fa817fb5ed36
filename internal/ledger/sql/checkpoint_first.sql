-- index: ledger_checkpoint primary key; 1 row, or none if another node signed first
INSERT INTO ledger_checkpoint (origin, size, root, note, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO NOTHING
