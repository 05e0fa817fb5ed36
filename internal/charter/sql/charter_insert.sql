-- primary key; one row
INSERT INTO charter (v, doc) VALUES (?, ?)
