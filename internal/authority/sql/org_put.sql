-- one row by primary key. An organisation that is made twice keeps its place in the order.
INSERT INTO authority_org (id, n, leaf, short, name, profile, adopted, created, modified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET leaf = excluded.leaf, short = excluded.short, name = excluded.name, profile = excluded.profile,
	adopted = excluded.adopted, modified = excluded.modified
