-- primary key in order; none, as a rule
SELECT v, doc FROM charter_sibling ORDER BY v, hash
