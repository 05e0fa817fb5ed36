-- catalogue_past_id: one row at most, what was current at a moment of the source's clock
SELECT leaf, erased, changed, logged, source, state, parts, LENGTH(entry) FROM catalogue_past WHERE id = ? AND source <= ? AND thru > ?
