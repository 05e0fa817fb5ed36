-- primary key; one row
SELECT size, kind, leaf, reason, at FROM continuity_refusal WHERE origin = ?
