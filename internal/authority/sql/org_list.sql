-- a page of 500 by authority_org_short; organisations without a name come last
SELECT o.id, o.n, o.short, o.name, o.profile, o.adopted, o.attest, o.created, o.modified, COALESCE(q.quota, 0), COALESCE(q.made, 0)
FROM authority_org o LEFT JOIN authority_quota q ON q.subject = o.id AND q.newest = 1
ORDER BY CASE WHEN o.short = '' THEN 1 ELSE 0 END, o.short, o.id LIMIT ? OFFSET ?
