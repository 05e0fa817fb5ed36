-- index: ledger_subject primary key; 1 row
INSERT INTO ledger_subject (subject, idx) VALUES (?, ?) ON CONFLICT (subject) DO UPDATE SET idx = excluded.idx
