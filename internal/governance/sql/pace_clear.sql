-- every row
DELETE FROM governance_pace
