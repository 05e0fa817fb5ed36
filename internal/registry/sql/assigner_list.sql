-- registry_record_assigner, in its order: a few hundred rows out of all
SELECT r.assigner, count(*),
	(SELECT n.base FROM registry_record n WHERE n.assigner = r.assigner ORDER BY n.updated DESC, n.id DESC LIMIT 1),
	CASE WHEN EXISTS (SELECT 1 FROM registry_adopted a WHERE a.org = r.assigner) THEN 1 ELSE 0 END
FROM registry_record r WHERE r.assigner <> '' GROUP BY r.assigner ORDER BY r.assigner
