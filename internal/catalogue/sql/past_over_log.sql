-- catalogue_past_until: versions that stood at a size of the log and were superseded at or after a leaf
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE until >= ? AND until >= ? AND leaf < ? ORDER BY until
