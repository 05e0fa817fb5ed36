-- cases of a workflow by governance_case_leaf, newest first; some thousands
SELECT id, leaf, newest, workflow, subject, state, level, ids, hidden, party, against, adjudicator, opened, changed, due, outcome, pack FROM governance_case WHERE workflow = ? ORDER BY leaf DESC
