-- every row
SELECT leaf, version, body, adopted FROM authority_rulepack
