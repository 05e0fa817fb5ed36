-- every row
DELETE FROM gcve_year
