-- by primary key: one row at most
SELECT r.assigner FROM registry_record r JOIN registry_adopted a ON a.org = r.assigner WHERE r.id = ?
