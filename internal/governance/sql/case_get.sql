-- at most one row by primary key
SELECT id, leaf, newest, workflow, subject, state, level, ids, hidden, party, against, adjudicator, opened, changed, due, outcome, pack FROM governance_case WHERE id = ?
