-- every row
SELECT id, leaf, newest, workflow, subject, state, level, ids, hidden, party, against, adjudicator, opened, changed, due, outcome, pack FROM governance_case
