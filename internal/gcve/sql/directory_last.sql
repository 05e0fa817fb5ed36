-- primary key: the newest
SELECT leaf, source, digest, updated, logged FROM gcve_directory ORDER BY leaf DESC LIMIT 1
