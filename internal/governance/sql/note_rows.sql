-- every row
SELECT leaf, case_id, step, body FROM governance_note
