-- at most one row by primary key
UPDATE governance_step SET body = '' WHERE leaf = ?
