-- every row
DELETE FROM governance_about
