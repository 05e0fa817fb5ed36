-- by primary key of catalogue_record: one row, or none where the leaves before were about the identifier alone
INSERT INTO catalogue_past (leaf, id, until, changed, logged, source, thru, state, erased, parts, entry)
SELECT version, id, CAST(? AS BIGINT), changed, logged, source, CAST(? AS BIGINT), state, CASE WHEN leaf > version THEN leaf ELSE -1 END, parts, entry
FROM catalogue_record WHERE id = ?
