-- at most one row by primary key, its quota by authority_quota_subject
SELECT o.id, o.n, o.short, o.name, o.profile, o.adopted, o.attest, o.created, o.modified, COALESCE(q.quota, 0), COALESCE(q.made, 0)
FROM authority_org o LEFT JOIN authority_quota q ON q.subject = o.id AND q.newest = 1
WHERE o.id = ?
