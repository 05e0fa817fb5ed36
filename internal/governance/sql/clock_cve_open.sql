-- a few rows by governance_clock_cve
SELECT COUNT(*) FROM governance_clock WHERE cve = ? AND what = ? AND ended = 0
