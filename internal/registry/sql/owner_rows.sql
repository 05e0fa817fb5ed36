-- the whole table, for its digest
SELECT leaf, id, org, time FROM registry_owner
