-- a few rows by authority_user_subject, authority_secret_subject and authority_totp_subject
SELECT leaf FROM authority_user WHERE subject = ? UNION SELECT leaf FROM authority_secret WHERE subject = ?
UNION SELECT leaf FROM authority_totp WHERE subject = ? ORDER BY leaf
