-- at most one row by primary key
DELETE FROM governance_note WHERE leaf = ?
