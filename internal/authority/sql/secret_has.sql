-- authority_secret_subject: one row
SELECT count(*) FROM authority_secret WHERE subject = ? AND newest = 1
