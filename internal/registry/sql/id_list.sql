-- registry_id_owner and registry_record_assigner: the identifiers of one organisation, or all; a page of them, and for these who
-- asked by registry_requester_id
SELECT page.id, page.year, page.state, page.owner, page.record, page.opened, page.reserved, page.public, page.modified, COALESCE(q.org, ''), COALESCE(q.person, '') FROM (
	SELECT id, year, state, owner, record, opened, reserved, public, modified FROM (
		SELECT id, year, state, owner, record, opened, reserved, public, modified FROM registry_id
		UNION ALL
		SELECT r.id, CAST(substr(r.id, 5, 4) AS BIGINT), r.state, r.assigner, 1, 1, r.reserved, r.updated, r.updated
		FROM registry_adopted a JOIN registry_record r ON r.assigner = a.org
		WHERE NOT EXISTS (SELECT 1 FROM registry_id i WHERE i.id = r.id)
	) AS ids
	WHERE (? = '' OR owner = ?) AND (? = '' OR state = ?) AND (? = 0 OR year = ?)
		AND reserved > ? AND reserved < ? AND modified > ? AND modified < ?
	ORDER BY owner, id LIMIT ? OFFSET ?
) AS page
LEFT JOIN registry_requester q ON q.leaf = (SELECT MAX(n.leaf) FROM registry_requester n WHERE n.id = page.id)
ORDER BY page.owner, page.id
