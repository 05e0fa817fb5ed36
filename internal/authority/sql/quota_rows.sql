-- every row
SELECT leaf, subject, quota, made, newest FROM authority_quota
