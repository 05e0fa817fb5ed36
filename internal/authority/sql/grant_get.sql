-- at most one row by primary key
SELECT id, leaf, org, role, parent, valid_from, valid_to, pack, body, given, ended, reason FROM authority_grant WHERE id = ?
