-- a page of 500 by authority_user_added
SELECT leaf, subject, org, username, first, last, middle, suffix, roles, active, added, created, modified FROM authority_user
WHERE newest = 1 AND removed = 0 ORDER BY added, leaf LIMIT ? OFFSET ?
