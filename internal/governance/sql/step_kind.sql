-- rows of one kind by governance_step_kind, newest first
SELECT leaf, case_id, kind, cve, ids, by_org, org, from_org, to_org, level, reason, outcome, source, due, pack, at, body FROM governance_step WHERE kind = ? ORDER BY leaf DESC LIMIT ?
