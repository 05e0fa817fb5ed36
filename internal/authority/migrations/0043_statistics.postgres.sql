-- PostgreSQL samples the commonest values of columns into its own catalogue, where erasing a row does not reach them. What may be
-- erased is therefore never sampled; every question about these columns goes by an index.
ALTER TABLE authority_user ALTER COLUMN subject SET STATISTICS 0, ALTER COLUMN username SET STATISTICS 0, ALTER COLUMN first SET STATISTICS 0,
	ALTER COLUMN last SET STATISTICS 0, ALTER COLUMN middle SET STATISTICS 0, ALTER COLUMN suffix SET STATISTICS 0;
ALTER TABLE authority_secret ALTER COLUMN subject SET STATISTICS 0, ALTER COLUMN phc SET STATISTICS 0;
ALTER TABLE authority_contact ALTER COLUMN contacts SET STATISTICS 0;
ALTER TABLE authority_totp ALTER COLUMN subject SET STATISTICS 0, ALTER COLUMN secret SET STATISTICS 0;
ALTER TABLE authority_totp_used ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE authority_used ALTER COLUMN subject SET STATISTICS 0;
ALTER TABLE authority_session ALTER COLUMN subject SET STATISTICS 0, ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN agent SET STATISTICS 0,
	ALTER COLUMN source SET STATISTICS 0;
ALTER TABLE authority_audit ALTER COLUMN caller SET STATISTICS 0, ALTER COLUMN reason SET STATISTICS 0;
