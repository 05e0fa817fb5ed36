-- index: none, both tables are counted; 1 row
SELECT (SELECT count(*) FROM ledger_private),
	(SELECT count(*) FROM ledger_escrow WHERE length(ciphertext) > 0),
	(SELECT count(*) FROM ledger_escrow WHERE recipients = ? AND length(ciphertext) > 0),
	(SELECT count(*) FROM ledger_private p LEFT JOIN ledger_escrow e ON e.idx = p.idx AND e.recipients = ? WHERE e.idx IS NULL),
	(SELECT count(*) FROM ledger_escrow e LEFT JOIN ledger_private p ON p.idx = e.idx WHERE p.idx IS NULL AND e.recipients <> ?)
