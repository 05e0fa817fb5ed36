-- a handful of rows
SELECT note FROM continuity_report ORDER BY hash
