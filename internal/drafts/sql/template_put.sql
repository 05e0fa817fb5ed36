-- Primary key; one row.
INSERT INTO draft_template (org, name, usr, body, at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (org, name) DO UPDATE SET usr = excluded.usr, body = excluded.body, at = excluded.at
