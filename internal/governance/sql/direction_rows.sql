-- every row
SELECT leaf, case_id, org, cve, ended FROM governance_direction
