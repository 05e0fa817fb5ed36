-- index: none, the table has a handful of rows
SELECT id, bytes FROM ledger_dict ORDER BY id
