-- Primary key's prefix; dozens of rows.
DELETE FROM draft WHERE usr = ?
