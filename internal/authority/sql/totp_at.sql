-- at most one row by primary key
SELECT subject FROM authority_totp WHERE leaf = ?
