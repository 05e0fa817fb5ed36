-- every row
DELETE FROM authority_user
