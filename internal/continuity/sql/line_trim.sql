-- index of (origin, mirror, size); few rows: a mirror that cosigns without end keeps only its newest
DELETE FROM continuity_line WHERE origin = ? AND mirror = ? AND size <=
  (SELECT size FROM continuity_line WHERE origin = ? AND mirror = ? ORDER BY size DESC LIMIT 1 OFFSET ?)
