-- at most one row by authority_quota_subject
UPDATE authority_quota SET newest = 0 WHERE subject = ? AND newest = 1
