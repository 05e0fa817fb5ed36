-- at most one row by authority_org_short, authority_user_name and authority_secret_subject
SELECT o.id, u.subject, u.active, s.leaf, s.phc
FROM authority_org o
JOIN authority_user u ON u.org = o.id AND u.username = ? AND u.newest = 1 AND u.removed = 0
JOIN authority_secret s ON s.subject = u.subject AND s.newest = 1
WHERE o.short = ? AND o.short <> '' ORDER BY u.leaf DESC LIMIT 1
