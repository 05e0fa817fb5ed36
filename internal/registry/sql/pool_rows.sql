-- the whole table, for its digest
SELECT year, num FROM registry_pool
