-- the identifiers of one organisation by registry_id_owner and registry_record_assigner, counted by state
SELECT state, COUNT(*) FROM (
	SELECT state FROM registry_id WHERE owner = ? AND opened = 1
	UNION ALL
	SELECT r.state FROM registry_record r WHERE r.assigner = ? AND EXISTS (SELECT 1 FROM registry_adopted a WHERE a.org = ?)
		AND NOT EXISTS (SELECT 1 FROM registry_id i WHERE i.id = r.id)
) AS ids GROUP BY state
