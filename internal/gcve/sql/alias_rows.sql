-- every row
SELECT leaf, idkey, alias FROM gcve_alias
