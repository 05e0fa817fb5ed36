-- every row
DELETE FROM authority_grant
