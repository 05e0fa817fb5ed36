-- one row by primary key
SELECT version FROM authority_rulepack ORDER BY leaf DESC LIMIT 1
