-- every row
SELECT cve, case_id FROM governance_about
