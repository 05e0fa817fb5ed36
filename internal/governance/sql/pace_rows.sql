-- every row
SELECT leaf, cve, org, reserved, published FROM governance_pace
