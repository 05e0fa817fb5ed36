-- every standing grant, some hundreds
SELECT org, role FROM authority_grant
WHERE ended = 0 AND valid_from <= ? AND (valid_to = 0 OR valid_to > ?) ORDER BY leaf
