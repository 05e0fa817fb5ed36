-- gcve_id_newest: a page in the order of the newest leaf
SELECT id, year, num, state, leaf, newest, hash, given, first, changed FROM gcve_id WHERE newest > ? ORDER BY newest LIMIT ?
