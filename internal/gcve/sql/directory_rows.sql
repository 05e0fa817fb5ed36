-- every row
SELECT leaf, source, digest, updated, logged FROM gcve_directory
