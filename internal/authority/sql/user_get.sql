-- at most one row by authority_user_subject
SELECT leaf, subject, org, username, first, last, middle, suffix, roles, active, added, created, modified FROM authority_user
WHERE subject = ? AND newest = 1 AND removed = 0
