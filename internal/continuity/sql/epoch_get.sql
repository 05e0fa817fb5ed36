-- primary key; one row
SELECT leaf FROM continuity_epoch WHERE epoch = ?
