-- one row by primary key; a pack whose body was erased is in force no more
SELECT version FROM authority_rulepack WHERE LENGTH(body) > 0 ORDER BY leaf DESC LIMIT 1
