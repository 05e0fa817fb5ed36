-- index of (origin, mirror, size); few rows
DELETE FROM continuity_line WHERE origin = ? AND size <= ?
