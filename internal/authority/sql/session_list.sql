-- a few rows by authority_session_subject; conditions as in session_get
SELECT s.name, s.subject, s.org, s.via, s.agent, s.source, s.began, s.seen, CASE WHEN COALESCE(t.secret, '') = '' THEN 0 ELSE 1 END
FROM authority_session s
JOIN authority_user u ON u.subject = s.subject AND u.newest = 1 AND u.removed = 0 AND u.active = 1 AND u.org = s.org
LEFT JOIN authority_secret k ON k.subject = s.subject AND k.newest = 1
LEFT JOIN authority_totp t ON t.subject = s.subject AND t.newest = 1
WHERE s.subject = ? AND COALESCE(k.leaf, -1) = s.secret AND (COALESCE(t.secret, '') = '' OR t.leaf = s.totp)
	AND s.seen > ? AND s.began > ?
ORDER BY s.seen DESC, s.name
