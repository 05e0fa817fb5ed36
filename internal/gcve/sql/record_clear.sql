-- every row
DELETE FROM gcve_record
