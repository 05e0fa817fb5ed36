-- every row
DELETE FROM authority_quota
