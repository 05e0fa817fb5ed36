-- a handful of rows
SELECT body FROM authority_rulepack WHERE version = ? ORDER BY leaf DESC LIMIT 1
