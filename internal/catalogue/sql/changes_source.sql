-- catalogue_record_leaf and the primary key of catalogue_past, read from the cursor on: one row per record whose version differs
-- between two moments of the source's clock
SELECT n.leaf, n.id, n.leaf, n.erased, n.logged, n.state, o.leaf, o.erased, o.state FROM (
	SELECT version AS leaf, id, CASE WHEN leaf > version THEN leaf ELSE -1 END AS erased, logged, state
		FROM catalogue_record WHERE leaf >= ? AND version >= ? AND source > ? AND source <= ?
	UNION ALL SELECT leaf, id, erased, logged, state
		FROM catalogue_past WHERE leaf >= ? AND source > ? AND source <= ? AND thru > ?
	ORDER BY 1 LIMIT ?) n
LEFT JOIN catalogue_past o ON o.id = n.id AND o.source <= ? AND o.thru > ?
ORDER BY n.leaf
