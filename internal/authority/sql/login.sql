-- users of one name by authority_org_short and authority_user_name, the newest last, with their secret by authority_secret_subject and what
-- they are (standing_get)
SELECT u.leaf, u.subject, u.org, u.username, u.first, u.last, u.middle, u.suffix, u.roles, u.active, u.added, u.created, u.modified,
	o.id, o.n, o.short, o.name, o.profile, o.adopted, o.attest, o.created, o.modified, COALESCE(q.quota, 0), COALESCE(q.made, 0),
	COALESCE((SELECT version FROM authority_rulepack WHERE LENGTH(body) > 0 ORDER BY leaf DESC LIMIT 1), ''),
	COALESCE(g.role, ''), COALESCE(g.valid_from, 0), COALESCE(g.valid_to, 0), s.leaf, s.phc
FROM authority_org o
JOIN authority_user u ON u.org = o.id AND u.username = ? AND u.newest = 1 AND u.removed = 0
JOIN authority_secret s ON s.subject = u.subject AND s.newest = 1
LEFT JOIN authority_quota q ON q.subject = o.id AND q.newest = 1
LEFT JOIN authority_grant g ON g.org = o.id AND g.ended = 0
WHERE o.short = ? AND o.short <> '' ORDER BY u.leaf, g.leaf
