-- the whole table, grouped: three rows
SELECT state, count(*) FROM registry_record GROUP BY state
