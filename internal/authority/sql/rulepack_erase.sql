-- at most one row by primary key
UPDATE authority_rulepack SET body = ? WHERE leaf = ?
