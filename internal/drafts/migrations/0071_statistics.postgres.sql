-- PostgreSQL samples the commonest values of columns into its own catalogue, where erasing a row does not reach them. What may be
-- erased is therefore never sampled; every question about these columns goes by an index.
ALTER TABLE draft ALTER COLUMN usr SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0;
ALTER TABLE draft_template ALTER COLUMN usr SET STATISTICS 0, ALTER COLUMN body SET STATISTICS 0;
