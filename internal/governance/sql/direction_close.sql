-- a few rows by governance_direction_case
UPDATE governance_direction SET ended = ? WHERE case_id = ? AND ended = -1
