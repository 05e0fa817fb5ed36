-- index: none, every subject is looked at; as many rows as subjects have a leaf that is dropped
SELECT subject, idx FROM ledger_subject WHERE idx >= ? ORDER BY subject
