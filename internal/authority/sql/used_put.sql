-- one row by primary key, where the user is still there
INSERT INTO authority_used (subject, at)
SELECT subject, CAST(? AS BIGINT) FROM authority_user WHERE subject = ? AND newest = 1 AND removed = 0
ON CONFLICT (subject) DO UPDATE SET at = excluded.at WHERE authority_used.at < excluded.at
