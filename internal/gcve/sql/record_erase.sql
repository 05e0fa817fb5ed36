-- gcve_record_leaf: one row
UPDATE gcve_record SET sha256 = '', title = '' WHERE leaf = ?
