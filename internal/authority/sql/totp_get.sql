-- at most one row by authority_totp_subject
SELECT leaf, secret FROM authority_totp WHERE subject = ? AND newest = 1
