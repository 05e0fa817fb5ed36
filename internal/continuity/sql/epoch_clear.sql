-- all rows, for a replay
DELETE FROM continuity_epoch
