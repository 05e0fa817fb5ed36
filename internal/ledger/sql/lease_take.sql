-- index: ledger_lease primary key; 1 row, or none if somebody else holds the lease
INSERT INTO ledger_lease (name, holder, until) VALUES (?, ?, ?)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE ledger_lease.holder = excluded.holder OR ledger_lease.until <= ?
