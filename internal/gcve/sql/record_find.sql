-- primary key, gcve_term_value and the two indexes of gcve_alias: everything said under an identifier or its aliases
SELECT idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title FROM gcve_record
WHERE idkey = ? OR leaf IN (SELECT leaf FROM gcve_term WHERE kind = 'alias' AND value = ?)
	OR idkey IN (SELECT alias FROM gcve_alias WHERE idkey = ?) OR idkey IN (SELECT idkey FROM gcve_alias WHERE alias = ?)
ORDER BY idkey, origin
