-- index of (origin, mirror, size); few rows: published sizes are gone
SELECT note FROM continuity_line WHERE origin = ? AND size > ? ORDER BY size, mirror
