-- primary key; one row, once
INSERT INTO continuity_store (one, id) VALUES (1, ?) ON CONFLICT (one) DO NOTHING
