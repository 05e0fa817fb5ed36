-- gcve_directory_digest: one row
SELECT leaf FROM gcve_directory WHERE digest = ?
