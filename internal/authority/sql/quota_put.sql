-- one row by primary key
INSERT INTO authority_quota (leaf, subject, quota, made, newest) VALUES (?, ?, ?, ?, 1)
