-- Primary key; at most one row.
SELECT usr, body, at FROM draft_template WHERE org = ? AND name = ?
