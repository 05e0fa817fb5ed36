-- one row, by primary keys and registry_owner_id: what events and imports say of one identifier, and its newest owner
SELECT COALESCE(i.state, ''), COALESCE(i.owner, ''), COALESCE(i.record, 0), COALESCE(i.opened, 0), COALESCE(i.reserved, 0), COALESCE(i.public, 0),
	COALESCE(i.modified, 0), COALESCE(i.given, 0), COALESCE(o.leaf, -1), COALESCE(o.org, ''), COALESCE(o.time, 0),
	COALESCE(r.state, ''), COALESCE(r.base, -1), COALESCE(r.updated, 0), COALESCE(r.reserved, 0), COALESCE(a.org, '')
FROM (SELECT 1) AS one
LEFT JOIN registry_id i ON i.id = ?
LEFT JOIN registry_owner o ON o.leaf = (SELECT MAX(leaf) FROM registry_owner WHERE id = ?)
LEFT JOIN registry_record r ON r.id = ?
LEFT JOIN registry_adopted a ON a.org = r.assigner
