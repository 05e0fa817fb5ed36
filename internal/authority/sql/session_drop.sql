-- a few rows by authority_session_subject
DELETE FROM authority_session WHERE subject = ?
