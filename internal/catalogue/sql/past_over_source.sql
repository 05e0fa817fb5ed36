-- catalogue_past_thru: versions that stand at a moment of the source's clock, for an overlay that holds none yet
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE source <= ? AND thru > ? ORDER BY until
