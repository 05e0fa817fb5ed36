-- at most one row by governance_direction_cve
SELECT case_id FROM governance_direction WHERE cve = ? AND org = ? AND ended = -1 ORDER BY leaf DESC LIMIT 1
