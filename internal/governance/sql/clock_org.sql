-- clocks of one organisation by governance_clock_org
SELECT leaf, what, case_id, cve, org, started, due, ended, pack FROM governance_clock WHERE org = ? ORDER BY leaf, what, cve
