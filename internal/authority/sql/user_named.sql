-- at most one row by authority_user_name; the newest statement counts where an erasure brought a name back that was taken since
SELECT leaf, subject, org, username, first, last, middle, suffix, roles, active, added, created, modified FROM authority_user
WHERE org = ? AND username = ? AND newest = 1 AND removed = 0 ORDER BY leaf DESC LIMIT 1
