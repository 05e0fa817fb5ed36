-- every row: counted by organisation, in time to the second as Clock.Met says
SELECT org,
	SUM(CASE WHEN ended > 0 AND ended / 1000 * 1000 <= due THEN 1 ELSE 0 END),
	SUM(CASE WHEN ended > 0 AND ended / 1000 * 1000 > due THEN 1 ELSE 0 END),
	SUM(CASE WHEN ended = 0 AND due >= ? THEN 1 ELSE 0 END),
	SUM(CASE WHEN ended = 0 AND due < ? THEN 1 ELSE 0 END)
FROM governance_clock WHERE org <> '' GROUP BY org
