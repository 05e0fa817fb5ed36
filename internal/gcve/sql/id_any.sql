-- gcve_id_newest: the first of all
SELECT id FROM gcve_id ORDER BY newest LIMIT 1
