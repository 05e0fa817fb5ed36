-- catalogue_past_thru: versions that stand at a moment of the source's clock, for an overlay that holds none yet (until + 0 keeps
-- SQLite from reading the whole table in that order)
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE source <= ? AND thru > ? ORDER BY until + 0
