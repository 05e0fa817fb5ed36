-- at most one row by authority_org_leaf
UPDATE authority_org SET short = '', name = '', profile = '' WHERE leaf = ?
