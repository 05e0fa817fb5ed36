-- one row by primary key
INSERT INTO governance_pace (leaf, cve, org, reserved, published) VALUES (?, ?, ?, ?, ?)
