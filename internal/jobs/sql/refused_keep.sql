-- Primary key; one row.
INSERT INTO import_refused (feed, source, path, subject, code, reason, sha256, size, body, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feed, source, path) DO UPDATE SET subject = excluded.subject, code = excluded.code, reason = excluded.reason,
  sha256 = excluded.sha256, size = excluded.size, body = excluded.body, at = excluded.at
