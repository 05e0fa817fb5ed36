-- running clocks by governance_clock_open, in the order in which they are due
SELECT leaf, what, case_id, cve, org, started, due, ended, pack FROM governance_clock WHERE ended = 0 ORDER BY due, leaf, what, cve
