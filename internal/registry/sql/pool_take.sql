-- by primary key: one row
DELETE FROM registry_pool WHERE year = ? AND num = ?
