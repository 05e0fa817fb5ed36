-- every row
SELECT year, top FROM gcve_year
