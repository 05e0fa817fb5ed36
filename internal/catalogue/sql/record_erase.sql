-- by primary key: one row at most; it goes on naming the version whose body is gone
UPDATE catalogue_record SET leaf = ?, changed = ?, entry = ? WHERE id = ? AND version >= ? AND version < ? AND leaf = version
