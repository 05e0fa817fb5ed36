-- one user by authority_user_subject, their organisation and its quota by their keys, the version of the rules in force; a row for each of the
-- organisation's grants by authority_grant_org, one at least
SELECT u.leaf, u.subject, u.org, u.username, u.first, u.last, u.middle, u.suffix, u.roles, u.active, u.added, u.created, u.modified,
	o.id, o.n, o.short, o.name, o.profile, o.adopted, o.attest, o.created, o.modified, COALESCE(q.quota, 0), COALESCE(q.made, 0),
	COALESCE((SELECT version FROM authority_rulepack WHERE LENGTH(body) > 0 ORDER BY leaf DESC LIMIT 1), ''),
	COALESCE(g.role, ''), COALESCE(g.valid_from, 0), COALESCE(g.valid_to, 0)
FROM authority_user u JOIN authority_org o ON o.id = u.org LEFT JOIN authority_quota q ON q.subject = o.id AND q.newest = 1
LEFT JOIN authority_grant g ON g.org = o.id AND g.ended = 0
WHERE u.subject = ? AND u.newest = 1 AND u.removed = 0 AND u.active = 1 AND u.org = ? ORDER BY g.leaf
