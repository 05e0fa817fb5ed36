-- primary key: the terms of one record
DELETE FROM gcve_term WHERE leaf = ?
