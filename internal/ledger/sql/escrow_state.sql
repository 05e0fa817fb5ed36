-- index: none, both tables are counted; 1 row
SELECT (SELECT count(*) FROM ledger_private),
	(SELECT count(*) FROM ledger_escrow),
	(SELECT count(*) FROM ledger_escrow WHERE recipients = ?),
	(SELECT count(*) FROM ledger_private p LEFT JOIN ledger_escrow e ON e.idx = p.idx AND e.recipients = ? WHERE e.idx IS NULL)
