-- every row
DELETE FROM gcve_alias
