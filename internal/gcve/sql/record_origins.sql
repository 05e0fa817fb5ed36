-- gcve_record_origin: one row per authority
SELECT origin, COUNT(*), MAX(leaf) FROM gcve_record GROUP BY origin ORDER BY origin
