-- every row
DELETE FROM governance_direction
