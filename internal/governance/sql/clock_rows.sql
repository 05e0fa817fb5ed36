-- every row
SELECT leaf, what, case_id, cve, org, started, due, ended, pack FROM governance_clock
