-- primary key; one row
UPDATE charter SET doc = ? WHERE v = ?
