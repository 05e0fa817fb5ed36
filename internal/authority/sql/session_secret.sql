-- at most one row by authority_user_name
SELECT u.subject, COALESCE(k.leaf, -1) FROM authority_user u
LEFT JOIN authority_secret k ON k.subject = u.subject AND k.newest = 1
WHERE u.org = ? AND u.username = ? AND u.newest = 1 AND u.removed = 0 AND u.active = 1
