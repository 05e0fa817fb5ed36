-- gcve_record_origin: what one authority said, narrowed; one row
SELECT COUNT(*) FROM (
	SELECT leaf, sha256,
		CASE WHEN ? = 'published' THEN published WHEN ? = 'reserved' THEN reserved ELSE updated END AS moment
	FROM gcve_record WHERE origin = ?
) AS r
WHERE sha256 <> '' AND moment > ?
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'cwe' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'product' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'vendor' AND t.value = ?))
	AND (? = '' OR EXISTS (SELECT 1 FROM gcve_term t WHERE t.leaf = r.leaf AND t.kind = 'assigner' AND t.value = ?))
