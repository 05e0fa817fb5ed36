-- a few rows by authority_user_subject
SELECT DISTINCT org, username, first, last, middle, suffix FROM authority_user WHERE subject = ? AND removed = 0 ORDER BY org, username, first, last, middle, suffix
