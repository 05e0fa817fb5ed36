-- a few rows by authority_grant_org
SELECT role FROM authority_grant
WHERE org = ? AND ended = 0 AND valid_from <= ? AND (valid_to = 0 OR valid_to > ?) ORDER BY leaf
