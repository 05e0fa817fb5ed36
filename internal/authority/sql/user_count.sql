-- one row over thousands
SELECT COUNT(*) FROM authority_user WHERE newest = 1 AND removed = 0
