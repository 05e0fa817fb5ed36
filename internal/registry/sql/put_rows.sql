-- the whole table, for its digest
SELECT leaf, id, cont, org, hash FROM registry_put
