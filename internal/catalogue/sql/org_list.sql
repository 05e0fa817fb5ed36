-- the whole table: some hundreds of organisations
SELECT org FROM catalogue_org
