-- one row by authority_secret_subject
UPDATE authority_secret SET newest = 1 WHERE leaf = (SELECT MAX(leaf) FROM authority_secret WHERE subject = ?)
