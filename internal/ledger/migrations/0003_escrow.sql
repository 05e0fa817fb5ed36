-- +goose Up

-- fact, erasable: what stands behind a commitment, encrypted to the recipients of the charter (age). A mirror has these and not the private
-- bodies; where both are, they are of one erasure.
CREATE TABLE ledger_escrow (
	idx        INTEGER PRIMARY KEY,
	recipients BLOB NOT NULL, -- digest of the recipients that the ciphertext is for
	ciphertext BLOB NOT NULL
);
