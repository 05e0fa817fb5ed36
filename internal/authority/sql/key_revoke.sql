-- one row by primary key
UPDATE authority_key SET revoked = ?, reason = ? WHERE key = ? AND org = ? AND revoked = 0
