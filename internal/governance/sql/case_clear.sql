-- every row
DELETE FROM governance_case
