-- catalogue_record_leaf, catalogue_record_erased, the primary key and catalogue_past_erased, each in order from the cursor on:
-- one row per record whose version differs between two sizes, or was erased between them
SELECT n.place, n.id, n.leaf, n.erased, n.logged, n.state, o.leaf, o.erased, o.state FROM (
	SELECT leaf AS place, id, version AS leaf, CASE WHEN leaf > version THEN leaf ELSE -1 END AS erased, logged, state
		FROM catalogue_record WHERE leaf >= ? AND leaf < ?
	UNION ALL SELECT version, id, version, leaf, logged, state
		FROM catalogue_record WHERE version >= ? AND version < ? AND leaf > version AND leaf >= ?
	UNION ALL SELECT leaf, id, leaf, erased, logged, state
		FROM catalogue_past WHERE leaf >= ? AND leaf < ? AND until >= ? AND (erased < 0 OR erased >= ?)
	UNION ALL SELECT erased, id, leaf, erased, logged, state
		FROM catalogue_past WHERE erased >= ? AND erased < ? AND erased >= 0 AND leaf < ? AND until >= ?
	ORDER BY 1 LIMIT ?) n
LEFT JOIN catalogue_past o ON o.id = n.id AND o.leaf < ? AND o.until >= ?
ORDER BY n.place
