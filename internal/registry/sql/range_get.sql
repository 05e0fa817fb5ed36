-- by primary key: one row at most
SELECT opened, last, priority, general FROM registry_range WHERE year = ?
