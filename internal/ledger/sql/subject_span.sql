-- index: ledger_subject primary key; as many rows as stand between the two, few
SELECT subject, idx FROM ledger_subject WHERE subject >= ? AND subject <= ?
