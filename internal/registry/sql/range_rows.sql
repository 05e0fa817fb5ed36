-- the whole table, for its digest
SELECT year, opened, last, priority, general FROM registry_range
