-- by primary key: one row at most
SELECT leaf FROM registry_signed WHERE hash = ?
