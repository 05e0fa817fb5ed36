-- by primary key: one row at most. Without the body nothing tells when the document says it changed.
UPDATE catalogue_past SET erased = ?, changed = logged, entry = ? WHERE leaf = ? AND erased < 0
