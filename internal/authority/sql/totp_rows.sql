-- every row
SELECT leaf, subject, secret, made, newest FROM authority_totp
