-- catalogue_past_until, catalogue_past_erased: what a moment of the source's clock may have won or lost since a leaf
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE until >= ? AND (source <= ? OR thru <= ?)
UNION ALL SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past
	WHERE erased >= ? AND erased >= 0 AND until < ? AND source <= ? AND thru > ?
ORDER BY 1
