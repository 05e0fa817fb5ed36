-- index: ledger_head primary key; 1 row
UPDATE ledger_head SET size = ?, edge = ?, time = ? WHERE one = 1
