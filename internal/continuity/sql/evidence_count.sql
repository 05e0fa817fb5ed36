-- index of name; few rows
SELECT COUNT(*) FROM continuity_evidence
