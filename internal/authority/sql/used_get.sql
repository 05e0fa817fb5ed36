-- at most one row by primary key
SELECT at FROM authority_used WHERE subject = ?
