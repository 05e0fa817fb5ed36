-- catalogue_past_id: one row at most, what was current when the log had so many leaves
SELECT leaf, erased, changed, logged, source, state, parts, LENGTH(entry) FROM catalogue_past WHERE id = ? AND leaf < ? AND until >= ?
