-- one row by primary key
INSERT INTO authority_secret (leaf, subject, phc, made, newest) VALUES (?, ?, ?, ?, 1)
