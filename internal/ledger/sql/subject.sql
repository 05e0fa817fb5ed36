-- index: ledger_subject primary key; 0 or 1 row
SELECT idx FROM ledger_subject WHERE subject = ?
