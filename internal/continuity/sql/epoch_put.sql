-- primary key; one row: the first leaf that opens an epoch is its opening
INSERT INTO continuity_epoch (epoch, leaf) VALUES (?, ?) ON CONFLICT (epoch) DO NOTHING
