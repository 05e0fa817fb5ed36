-- some rows by governance_step_case
SELECT leaf, case_id, kind, cve, ids, by_org, org, from_org, to_org, level, reason, outcome, source, due, pack, at, body FROM governance_step WHERE case_id = ? ORDER BY leaf
