-- the whole table, for its digest
SELECT leaf, source, digest, sample, counts, time FROM registry_import
