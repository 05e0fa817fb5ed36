-- one row by authority_totp_subject
UPDATE authority_totp SET newest = 1 WHERE leaf = (SELECT MAX(leaf) FROM authority_totp WHERE subject = ?)
