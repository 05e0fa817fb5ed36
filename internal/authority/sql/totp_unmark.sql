-- at most one row by authority_totp_subject
UPDATE authority_totp SET newest = 0 WHERE subject = ? AND newest = 1
