-- every row
DELETE FROM governance_note
