-- every row
DELETE FROM authority_rulepack
