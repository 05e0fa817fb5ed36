-- a few rows by primary key of governance_about
SELECT c.id, c.leaf, c.newest, c.workflow, c.subject, c.state, c.level, c.ids, c.hidden, c.party, c.against, c.adjudicator, c.opened, c.changed, c.due, c.outcome, c.pack
FROM governance_about a JOIN governance_case c ON c.id = a.case_id WHERE a.cve = ? ORDER BY c.leaf DESC
