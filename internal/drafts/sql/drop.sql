-- Primary key; at most one row.
DELETE FROM draft WHERE usr = ? AND subject = ? AND aside = ?
