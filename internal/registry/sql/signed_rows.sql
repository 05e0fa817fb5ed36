-- the whole table, for its digest
SELECT hash, leaf FROM registry_signed
