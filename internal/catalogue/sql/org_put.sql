-- by primary key: one row at most
INSERT INTO catalogue_org (org) VALUES (?) ON CONFLICT (org) DO NOTHING
