-- by primary key: one row
INSERT INTO registry_adopted (org, leaf) VALUES (?, ?) ON CONFLICT DO NOTHING
