-- the whole table, for its digest
SELECT leaf, id, org, person, reserved FROM registry_requester
