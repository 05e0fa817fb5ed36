-- one row by primary key
UPDATE authority_org SET leaf = ?, short = ?, name = ?, profile = ?, modified = ? WHERE id = ?
