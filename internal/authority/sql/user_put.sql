-- one row by primary key
INSERT INTO authority_user (leaf, subject, org, username, first, last, middle, suffix, roles, active, removed, added, created, modified, newest)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
