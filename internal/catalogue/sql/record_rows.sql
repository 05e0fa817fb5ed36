-- the whole table, for its digest
SELECT id, leaf, changed, logged, entry FROM catalogue_record
