-- at most one row by authority_secret_subject
UPDATE authority_secret SET newest = 0 WHERE subject = ? AND newest = 1
