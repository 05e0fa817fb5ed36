-- one row by primary key
INSERT INTO authority_totp (leaf, subject, secret, made, newest) VALUES (?, ?, ?, ?, 1)
