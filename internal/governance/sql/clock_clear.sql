-- every row
DELETE FROM governance_clock
