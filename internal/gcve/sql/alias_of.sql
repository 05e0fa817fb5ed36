-- the two indexes of gcve_alias: a few rows
SELECT alias FROM gcve_alias WHERE idkey = ? UNION SELECT idkey FROM gcve_alias WHERE alias = ?
