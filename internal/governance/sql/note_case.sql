-- a few rows by governance_note_case
SELECT leaf, step, body FROM governance_note WHERE case_id = ? ORDER BY leaf
