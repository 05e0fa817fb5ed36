-- at most one row by primary key
SELECT COUNT(*) FROM governance_reminder WHERE clock = ? AND stage = ?
