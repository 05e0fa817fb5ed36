-- one row by primary key
UPDATE authority_org SET attest = ?, modified = ? WHERE id = ?
