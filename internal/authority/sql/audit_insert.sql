-- one row by primary key
INSERT INTO authority_audit (at, caller, action, reason) VALUES (?, ?, ?, ?)
