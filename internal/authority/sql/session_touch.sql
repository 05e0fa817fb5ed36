-- at most one row by primary key
UPDATE authority_session SET seen = ? WHERE hash = ? AND seen < ?
