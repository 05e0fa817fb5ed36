-- Primary key; at most one row.
DELETE FROM draft_template WHERE org = ? AND name = ?
