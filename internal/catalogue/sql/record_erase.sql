-- catalogue_record_leaf: one row at most
UPDATE catalogue_record SET leaf = ?, changed = ?, logged = ?, entry = ? WHERE leaf = ?
