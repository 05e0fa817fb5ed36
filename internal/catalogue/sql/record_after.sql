-- catalogue_past_id and the primary key: the leaves that brought a version of a record after one, in their order
SELECT leaf FROM catalogue_past WHERE id = ? AND leaf > ? UNION ALL SELECT version FROM catalogue_record WHERE id = ? AND version > ? ORDER BY 1
