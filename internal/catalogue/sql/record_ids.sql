-- by primary key: a page of identifiers in the order of their bytes
SELECT id, leaf FROM catalogue_record WHERE id > ? ORDER BY id LIMIT ?
