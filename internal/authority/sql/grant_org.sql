-- a few rows by authority_grant_org
SELECT id, leaf, org, role, parent, valid_from, valid_to, pack, body, given, ended, reason FROM authority_grant WHERE org = ? ORDER BY leaf
