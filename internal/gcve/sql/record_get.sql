-- one row by primary key
SELECT idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title FROM gcve_record WHERE idkey = ? AND origin = ?
