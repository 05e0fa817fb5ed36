-- end of the primary key; one row
SELECT COALESCE(MAX(epoch), 0) FROM continuity_epoch
