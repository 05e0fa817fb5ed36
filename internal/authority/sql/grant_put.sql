-- one row by primary key
INSERT INTO authority_grant (id, leaf, org, role, parent, valid_from, valid_to, pack, body, given, ended, reason)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, '')
