-- one row by primary key
SELECT year, num, state, leaf, newest, hash, given, first, changed FROM gcve_id WHERE id = ?
