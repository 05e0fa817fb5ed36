-- the whole table, for its digest
SELECT entry, id, leaf, version, changed, logged, source, state FROM catalogue_record
