-- catalogue_past_erased: superseded versions whose bodies were erased at or after a leaf
SELECT until, id, leaf, changed, source, thru, erased, entry FROM catalogue_past WHERE erased >= ? AND erased >= 0
