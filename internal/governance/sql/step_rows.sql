-- every row
SELECT leaf, case_id, kind, cve, ids, by_org, org, from_org, to_org, level, reason, outcome, source, due, pack, at, body FROM governance_step
