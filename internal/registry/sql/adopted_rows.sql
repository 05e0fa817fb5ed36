-- the whole table, for its digest
SELECT org, leaf FROM registry_adopted
