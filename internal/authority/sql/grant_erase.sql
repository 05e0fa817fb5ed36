-- at most one row by authority_grant_leaf
UPDATE authority_grant SET body = '' WHERE leaf = ?
