-- a handful of rows
SELECT COUNT(*) FROM continuity_seal
