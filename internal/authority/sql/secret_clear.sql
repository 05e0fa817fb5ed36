-- every row
DELETE FROM authority_secret
