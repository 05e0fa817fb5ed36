-- catalogue_past_id: the versions that showed an erased body. Without it nothing tells when the document says it changed.
UPDATE catalogue_past SET erased = ?, changed = logged, entry = ? WHERE id = ? AND leaf >= ? AND leaf < ? AND erased < 0
