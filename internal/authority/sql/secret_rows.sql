-- every row
SELECT leaf, subject, phc, made, newest FROM authority_secret
