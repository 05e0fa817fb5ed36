-- gcve_record_origin, then the primary key: the next records of one authority in the order of identifiers
SELECT idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title FROM gcve_record
WHERE origin = ? AND idkey > ? ORDER BY idkey LIMIT ?
