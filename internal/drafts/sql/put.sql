-- Primary key; one row.
INSERT INTO draft (usr, subject, aside, version, org, body, at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (usr, subject, aside) DO UPDATE SET version = excluded.version, org = excluded.org, body = excluded.body, at = excluded.at
