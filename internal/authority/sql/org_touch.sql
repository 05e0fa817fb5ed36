-- one row by primary key
UPDATE authority_org SET modified = ? WHERE id = ?
