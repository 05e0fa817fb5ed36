-- at most one row by authority_session_subject
DELETE FROM authority_session WHERE subject = ? AND name = ?
