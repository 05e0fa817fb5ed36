-- the whole table, for its digest
SELECT entry, id, leaf, version, changed, logged, source, state, parts FROM catalogue_record
