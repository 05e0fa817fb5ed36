-- one row by primary key
INSERT INTO governance_case (id, leaf, newest, workflow, subject, state, level, ids, hidden, party, against, adjudicator, opened, changed, due, outcome, pack) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET newest = excluded.newest, state = excluded.state, level = excluded.level, ids = excluded.ids, party = excluded.party,
	against = excluded.against, adjudicator = excluded.adjudicator, changed = excluded.changed, due = excluded.due, outcome = excluded.outcome, pack = excluded.pack
