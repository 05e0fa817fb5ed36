-- primary key; one row
SELECT seen_size, seen_root, seen_note, size, root, note, sealed FROM continuity_cosigned WHERE origin = ?
