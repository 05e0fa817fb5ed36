-- catalogue_past_until: what a moment of the source's clock may have won or lost since a leaf
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE until >= ? AND (source <= ? OR thru <= ?) ORDER BY until
