-- one row by primary key
INSERT INTO authority_rulepack (leaf, version, body, adopted) VALUES (?, ?, ?, ?)
