-- one year's identifiers of registry_id by its primary key: one row
SELECT count(*) FROM (SELECT CAST(substr(id, 10) AS BIGINT) AS number FROM registry_id WHERE id >= ? AND id < ? AND length(id) <= 17) AS numbers
WHERE number >= ? AND number <= ?
