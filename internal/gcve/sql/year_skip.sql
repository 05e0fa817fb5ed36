-- every row
UPDATE gcve_year SET top = top + ?
