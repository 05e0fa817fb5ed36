-- by primary key: the numbers of one year, some hundred
SELECT num FROM registry_pool WHERE year = ? ORDER BY num
