-- all rows, for a digest
SELECT epoch, leaf FROM continuity_epoch
