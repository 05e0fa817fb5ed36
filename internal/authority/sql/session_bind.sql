-- one row by authority_session_subject: to the secret and the key of one-time passwords that are the newest now
UPDATE authority_session SET
	secret = COALESCE((SELECT leaf FROM authority_secret WHERE subject = authority_session.subject AND newest = 1), -1),
	totp = COALESCE((SELECT leaf FROM authority_totp WHERE subject = authority_session.subject AND newest = 1), -1)
WHERE subject = ? AND name = ?
