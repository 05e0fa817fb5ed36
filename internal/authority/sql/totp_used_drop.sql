-- at most one row by primary key
DELETE FROM authority_totp_used WHERE subject = ?
