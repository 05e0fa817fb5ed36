-- every row
DELETE FROM gcve_directory
