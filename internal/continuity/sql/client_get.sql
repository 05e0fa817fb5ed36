-- primary key; one row
SELECT size, root, origin, epoch, note, newest, hold, hold_a, hold_b, hold_at FROM continuity_client WHERE one = 1
