-- catalogue_record_leaf and catalogue_past_erased: versions whose bodies were erased within a span of leaves; until is -1 for a current one
SELECT id, version, -1, leaf FROM catalogue_record WHERE leaf >= ? AND leaf < ? AND leaf > version
UNION ALL SELECT id, leaf, until, erased FROM catalogue_past WHERE erased >= ? AND erased < ? AND erased >= 0
ORDER BY 4, 2
