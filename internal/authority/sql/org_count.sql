-- one row over hundreds
SELECT COUNT(*) FROM authority_org
