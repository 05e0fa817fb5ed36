-- a few rows by authority_session_subject: all but the newest
DELETE FROM authority_session WHERE subject = ? AND hash NOT IN (
	SELECT hash FROM authority_session WHERE subject = ? ORDER BY seen DESC, hash LIMIT ?)
