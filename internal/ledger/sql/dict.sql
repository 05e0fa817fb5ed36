-- index: ledger_dict primary key; 0 or 1 row
SELECT bytes FROM ledger_dict WHERE id = ?
