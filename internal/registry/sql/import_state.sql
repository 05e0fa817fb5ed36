-- by primary keys: one row. What the list has of an identifier that arrives by import, and whether somebody here owns
-- it or was granted its number (registry_block_year)
SELECT r.base IS NOT NULL, coalesce(r.updated, 0), r.sha256,
	coalesce(i.owner, '') <> '' OR EXISTS (SELECT 1 FROM registry_adopted a WHERE a.org = r.assigner)
	OR EXISTS (SELECT 1 FROM registry_block b WHERE b.year = ? AND b.first <= ? AND b.last >= ? AND b.closed = 0)
FROM (SELECT 1) AS one LEFT JOIN registry_record r ON r.id = ? LEFT JOIN registry_id i ON i.id = ?
