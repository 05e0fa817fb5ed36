-- catalogue_past_id: every superseded version of a record, newest first
SELECT leaf, erased, changed, logged, source, state, parts, LENGTH(entry) FROM catalogue_past WHERE id = ? ORDER BY leaf DESC
