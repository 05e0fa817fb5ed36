-- every row, a line per state
SELECT state, COUNT(*) FROM gcve_id GROUP BY state
