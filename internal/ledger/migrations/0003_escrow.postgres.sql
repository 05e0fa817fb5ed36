-- PostgreSQL: bytea and 64-bit keys; what may be erased is never sampled (0002).
-- +goose Up

-- fact, erasable: what stands behind a commitment, encrypted to the recipients of the charter (age). A mirror has these and not the private
-- bodies; where both are, they are of one erasure.
CREATE TABLE ledger_escrow (
	idx        BIGINT PRIMARY KEY,
	recipients BYTEA NOT NULL, -- digest of the recipients that the ciphertext is for
	ciphertext BYTEA NOT NULL
);
ALTER TABLE ledger_escrow ALTER COLUMN ciphertext SET STATISTICS 0;
