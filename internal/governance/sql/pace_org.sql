-- rows of one organisation by governance_pace_org
SELECT published - reserved FROM governance_pace WHERE org = ? ORDER BY 1
