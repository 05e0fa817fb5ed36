-- one row: how many imports other than the sample have finished
SELECT count(*) FROM registry_import WHERE sample = 0
