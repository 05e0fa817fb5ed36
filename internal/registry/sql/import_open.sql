-- one row; registry_record is read once. 1 when a document's leaf is newer than the last note's
SELECT CASE WHEN (SELECT coalesce(max(base), -1) FROM registry_record) > (SELECT coalesce(max(leaf), -1) FROM registry_import) THEN 1 ELSE 0 END
