-- at most one row by primary key
DELETE FROM authority_session WHERE hash = ?
