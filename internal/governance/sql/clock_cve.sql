-- a few rows by governance_clock_cve: a clock that was nobody's becomes the publisher's, unless a direction let it publish
UPDATE governance_clock SET ended = ?, org = CASE
	WHEN org <> '' THEN org
	WHEN EXISTS (SELECT 1 FROM governance_direction d WHERE d.cve = governance_clock.cve AND d.org = ? AND d.ended = -1) THEN ''
	ELSE ? END
WHERE cve = ? AND ended = 0
