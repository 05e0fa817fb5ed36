-- every row
DELETE FROM governance_step
