-- primary key; one row
SELECT id FROM continuity_store WHERE one = 1
