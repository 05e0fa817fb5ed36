-- one row by authority_quota_subject
UPDATE authority_quota SET newest = 1 WHERE leaf = (SELECT MAX(leaf) FROM authority_quota WHERE subject = ?)
