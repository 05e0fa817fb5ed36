-- one row over a hundred by authority_user_name
SELECT COUNT(*) FROM authority_user WHERE org = ? AND newest = 1 AND removed = 0
