-- the whole table: one row per year
SELECT year, opened, last, priority, general FROM registry_range ORDER BY year
