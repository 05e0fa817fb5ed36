-- the whole table, for its digest
SELECT entry, leaf, id, until, changed, logged, source, thru, state, erased, parts FROM catalogue_past
