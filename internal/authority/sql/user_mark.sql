-- one row by authority_user_subject
UPDATE authority_user SET newest = 1 WHERE leaf = (SELECT MAX(leaf) FROM authority_user WHERE subject = ?)
