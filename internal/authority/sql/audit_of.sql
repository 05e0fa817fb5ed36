-- newest first by authority_audit_caller
SELECT n, at, action, reason FROM authority_audit WHERE caller = ? AND n < ? ORDER BY n DESC LIMIT ?
