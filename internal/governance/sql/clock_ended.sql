-- every row: the newest ends since a time
SELECT leaf, what, case_id, cve, org, started, due, ended, pack FROM governance_clock WHERE ended >= ? ORDER BY ended DESC, leaf DESC, what, cve LIMIT ?
