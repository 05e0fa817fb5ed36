-- one row by primary key
INSERT INTO authority_session (hash, name, subject, org, secret, totp, via, agent, source, began, seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
