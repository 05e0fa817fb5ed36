-- the whole table
DELETE FROM catalogue_org
