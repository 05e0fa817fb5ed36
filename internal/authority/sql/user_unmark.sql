-- at most one row by authority_user_subject
UPDATE authority_user SET newest = 0 WHERE subject = ? AND newest = 1
