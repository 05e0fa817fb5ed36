-- index: ledger_dict primary key; 0 or 1 row
SELECT id FROM ledger_dict WHERE id = ?
