-- the whole table, for its digest
SELECT entry, leaf, id, until, changed, logged, source, thru, state, erased FROM catalogue_past
