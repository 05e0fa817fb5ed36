-- a few rows by governance_direction_case
SELECT DISTINCT org FROM governance_direction WHERE case_id = ? AND ended = -1 ORDER BY org
