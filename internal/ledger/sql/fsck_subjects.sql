-- index: none, reads the whole table once
SELECT subject, idx FROM ledger_subject ORDER BY subject
