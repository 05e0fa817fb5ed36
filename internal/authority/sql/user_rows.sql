-- every row
SELECT leaf, subject, org, username, first, last, middle, suffix, roles, active, removed, added, created, modified, newest FROM authority_user
