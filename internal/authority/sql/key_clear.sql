-- every row
DELETE FROM authority_key
