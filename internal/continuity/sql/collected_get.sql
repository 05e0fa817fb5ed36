-- primary key; one row
SELECT size, root, note FROM continuity_collected WHERE origin = ?
