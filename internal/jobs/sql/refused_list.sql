-- Primary key's prefix; as many rows as are refused now: dozens.
SELECT source, path, subject, code, reason, sha256, size, at, CASE WHEN body IS NULL THEN 0 ELSE 1 END
FROM import_refused WHERE feed = ? ORDER BY source, path
