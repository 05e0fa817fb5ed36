-- Primary key's prefix; one row.
SELECT COUNT(*) FROM draft WHERE usr = ? AND aside = 0
