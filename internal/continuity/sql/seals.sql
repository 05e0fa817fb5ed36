-- primary key in order; a handful of rows
SELECT origin, size, root, note FROM continuity_seal ORDER BY nr
