-- Primary key; at most one row.
SELECT version, org, body, at FROM draft WHERE usr = ? AND subject = ? AND aside = ?
