-- the whole table, for its digest
SELECT leaf, id, org, time, public FROM registry_owner
