-- by primary key: one row at most
SELECT reserved FROM registry_holding WHERE org = ?
