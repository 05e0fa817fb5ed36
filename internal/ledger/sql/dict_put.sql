-- index: ledger_dict primary key; 1 row
INSERT INTO ledger_dict (id, bytes) VALUES (?, ?) ON CONFLICT (id) DO NOTHING
