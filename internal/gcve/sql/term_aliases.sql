-- primary key: the terms of one record
SELECT value FROM gcve_term WHERE leaf = ? AND kind = 'alias' ORDER BY value
