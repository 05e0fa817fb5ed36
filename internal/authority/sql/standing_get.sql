-- at most one row by authority_user_subject, its organisation and quota by their keys, and the version of the rules in force
SELECT u.leaf, u.subject, u.org, u.username, u.first, u.last, u.middle, u.suffix, u.roles, u.active, u.added, u.created, u.modified,
	o.id, o.n, o.short, o.name, o.profile, o.adopted, o.created, o.modified, COALESCE(q.quota, 0), COALESCE(q.made, 0),
	COALESCE((SELECT version FROM authority_rulepack WHERE LENGTH(body) > 0 ORDER BY leaf DESC LIMIT 1), '')
FROM authority_user u JOIN authority_org o ON o.id = u.org LEFT JOIN authority_quota q ON q.subject = o.id AND q.newest = 1
WHERE u.subject = ? AND u.newest = 1 AND u.removed = 0 AND u.active = 1 AND u.org = ?
