-- primary key in order; at most as many rows as asked for
SELECT name, kind, origin, text, notes, at FROM continuity_evidence ORDER BY nr DESC LIMIT ?
