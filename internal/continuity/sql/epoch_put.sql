-- primary key; one row
INSERT INTO continuity_epoch (epoch, leaf) VALUES (?, ?)
