-- catalogue_past_until: versions that stood at a size of the log and were superseded at or after a leaf, or erased then
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE until >= ? AND until >= ? AND leaf < ?
UNION ALL SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past
	WHERE erased >= ? AND erased >= 0 AND until < ? AND until >= ? AND leaf < ?
ORDER BY 1
