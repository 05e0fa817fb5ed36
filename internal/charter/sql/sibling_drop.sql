-- primary key; one row
DELETE FROM charter_sibling WHERE v = ? AND hash = ?
