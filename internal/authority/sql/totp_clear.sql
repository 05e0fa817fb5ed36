-- every row
DELETE FROM authority_totp
