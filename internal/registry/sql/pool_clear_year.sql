-- by primary key prefix: some hundred rows
DELETE FROM registry_pool WHERE year = ?
