-- the whole table, grouped: a row a year. Identifiers of more than eight digits are beyond every block, and beyond a BIGINT some
SELECT year, max(CASE WHEN number <= ? THEN number ELSE 0 END), max(CASE WHEN number > ? THEN number ELSE 0 END)
FROM (SELECT CAST(substr(id, 5, 4) AS BIGINT) AS year, CAST(substr(id, 10) AS BIGINT) AS number FROM registry_record WHERE length(id) <= 17) AS numbers
WHERE number <= ? GROUP BY year ORDER BY year
