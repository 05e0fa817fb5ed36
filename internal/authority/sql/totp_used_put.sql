-- one row by primary key
INSERT INTO authority_totp_used (subject, step, failures, failed) VALUES (?, ?, 0, 0)
ON CONFLICT (subject) DO UPDATE SET step = excluded.step, failures = 0
