-- the whole table, for its digest
SELECT leaf, id, org, person FROM registry_requester
