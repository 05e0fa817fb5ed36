-- index of name; one row
INSERT INTO continuity_evidence (nr, name, kind, origin, text, notes, at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO NOTHING
