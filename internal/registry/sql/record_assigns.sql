-- registry_record_assigner: one row
SELECT CASE WHEN EXISTS (SELECT 1 FROM registry_record WHERE assigner = ?) THEN 1 ELSE 0 END
