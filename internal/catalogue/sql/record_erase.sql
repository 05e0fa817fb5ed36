-- catalogue_record_leaf: one row at most; it goes on naming the version whose body is gone
UPDATE catalogue_record SET leaf = ?, changed = ?, entry = ? WHERE leaf = ?
