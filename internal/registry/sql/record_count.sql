-- the whole of both tables, grouped: two rows. Records that imports know, and our own
SELECT state, count(*) FROM (
	SELECT i.state FROM registry_id i WHERE i.record = 1
	UNION ALL
	SELECT r.state FROM registry_record r WHERE NOT EXISTS (SELECT 1 FROM registry_id i WHERE i.id = r.id)
) AS records GROUP BY state
