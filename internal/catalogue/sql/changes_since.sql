-- catalogue_record_leaf, catalogue_record_erased, the primary key and catalogue_past_erased, each in order from the cursor on:
-- one row per leaf that brought a version, or erased the one that was current
SELECT n.place, n.id, n.leaf, n.erased, n.logged, n.state, o.leaf, o.erased, o.state FROM (
	SELECT leaf AS place, id, version AS leaf, CASE WHEN leaf > version THEN leaf ELSE -1 END AS erased, logged, state
		FROM catalogue_record WHERE leaf >= ?
	UNION ALL SELECT version, id, version, -1, logged, state
		FROM catalogue_record WHERE version >= ? AND leaf > version
	UNION ALL SELECT leaf, id, leaf, -1, logged, state
		FROM catalogue_past WHERE leaf >= ?
	UNION ALL SELECT erased, id, leaf, erased, logged, state
		FROM catalogue_past WHERE erased >= ? AND erased >= 0 AND erased < until
	ORDER BY 1 LIMIT ?) n
LEFT JOIN catalogue_past o ON o.until = n.leaf AND o.id = n.id
ORDER BY n.place
