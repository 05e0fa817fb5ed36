-- a few rows by governance_clock_case
UPDATE governance_clock SET ended = ? WHERE case_id = ? AND ended = 0
