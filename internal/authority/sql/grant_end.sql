-- one row by primary key
UPDATE authority_grant SET ended = ?, reason = ? WHERE id = ?
