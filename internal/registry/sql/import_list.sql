-- by primary key, newest first: at most the limit
SELECT leaf, source, digest, sample, counts, time FROM registry_import ORDER BY leaf DESC LIMIT ?
