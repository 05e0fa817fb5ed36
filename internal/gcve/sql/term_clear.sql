-- every row
DELETE FROM gcve_term
