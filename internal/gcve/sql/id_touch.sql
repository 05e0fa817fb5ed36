-- gcve_record_leaf and the primary key: one row, if the leaf is the newest record of an identifier of ours
UPDATE gcve_id SET newest = ?, changed = ? WHERE id IN (SELECT id FROM gcve_record WHERE leaf = ?)
