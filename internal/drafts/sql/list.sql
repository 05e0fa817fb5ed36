-- Primary key's prefix; as many rows as somebody has begun: dozens.
SELECT subject, version, org, at FROM draft WHERE usr = ? AND aside = 0 ORDER BY at DESC, subject
