-- one row by primary key, none when this password or a later one was accepted before
UPDATE authority_totp_used SET step = ?, failures = 0 WHERE subject = ? AND step < ?
