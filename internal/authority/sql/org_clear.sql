-- every row
DELETE FROM authority_org
