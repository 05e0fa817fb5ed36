-- index of name; one row
SELECT name, kind, origin, text, notes, at FROM continuity_evidence WHERE name = ?
