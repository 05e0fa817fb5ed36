-- a few rows by authority_user_subject and authority_secret_subject
SELECT leaf FROM authority_user WHERE subject = ? UNION SELECT leaf FROM authority_secret WHERE subject = ? ORDER BY leaf
