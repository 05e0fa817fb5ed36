-- every row
SELECT leaf, kind, value FROM gcve_term
