-- every row
SELECT id, year, num, state, leaf, newest, hash, given, first, changed FROM gcve_id
