-- every row
DELETE FROM gcve_id
