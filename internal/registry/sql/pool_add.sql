-- by primary key: one row
INSERT INTO registry_pool (year, num) VALUES (?, ?) ON CONFLICT DO NOTHING
