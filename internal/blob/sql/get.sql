-- Primary key; at most one row.
SELECT size, packed, body FROM blob WHERE digest = ?
