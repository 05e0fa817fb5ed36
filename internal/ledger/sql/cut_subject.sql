-- index: ledger_subject primary key; 1 row
DELETE FROM ledger_subject WHERE subject = ?
