-- by primary keys: one row. What the list has of an identifier that another copy says was imported: the stored document, whether the identifier is in the
-- list's own table, and whose it is, as far as that is public (registry_block_year)
SELECT r.base IS NOT NULL, coalesce(r.updated, 0), r.sha256, i.id IS NOT NULL,
	coalesce(i.owner, '') <> '' OR EXISTS (SELECT 1 FROM registry_adopted a WHERE a.org = r.assigner)
	OR EXISTS (SELECT 1 FROM registry_block b WHERE b.year = ? AND b.first <= ? AND b.last >= ? AND b.closed = 0)
FROM (SELECT 1) AS one LEFT JOIN registry_record r ON r.id = ? LEFT JOIN registry_id i ON i.id = ?
