-- one row by primary key, none when too many were wrong of late: a try counts before it is looked at, so that many at once
-- are no way around the count
INSERT INTO authority_totp_used (subject, step, failures, failed) VALUES (?, -1, 1, ?)
ON CONFLICT (subject) DO UPDATE SET failed = excluded.failed,
	failures = CASE WHEN authority_totp_used.failed > ? THEN authority_totp_used.failures + 1 ELSE 1 END
WHERE authority_totp_used.failed <= ? OR authority_totp_used.failures < ?
