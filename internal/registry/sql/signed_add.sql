-- by primary key: one row. The same event is in a log once; another log may hold it again
INSERT INTO registry_signed (hash, leaf) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING
