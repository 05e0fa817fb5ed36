-- at most a hundred rows by authority_user_name
SELECT leaf, subject, org, username, first, last, middle, suffix, roles, active, added, created, modified FROM authority_user
WHERE org = ? AND newest = 1 AND removed = 0 ORDER BY username, leaf LIMIT ? OFFSET ?
