-- gcve_record_origin: what one authority said, narrowed and sorted by one of its dates; a page
SELECT idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title FROM (
	SELECT idkey, origin, id, source, leaf, state, reserved, published, updated, rejected, logged, sha256, title,
		CASE WHEN ? = 'published' THEN published WHEN ? = 'reserved' THEN reserved ELSE updated END AS moment
	FROM gcve_record WHERE origin = ?
) AS r
WHERE sha256 <> '' AND moment > ?
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'cwe' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'product' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'vendor' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'assigner' AND t.value = ?))
ORDER BY moment * ?, idkey LIMIT ? OFFSET ?
