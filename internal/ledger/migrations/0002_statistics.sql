-- nothing: SQLite keeps samples of columns only after ANALYZE, which this program never runs.
SELECT 1;
