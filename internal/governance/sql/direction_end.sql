-- a few rows by governance_direction_case
UPDATE governance_direction SET ended = ? WHERE case_id = ? AND org = ? AND ended = -1
