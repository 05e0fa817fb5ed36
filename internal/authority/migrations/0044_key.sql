-- derived: public keys of organisations, with what they are for. One row each; a key is one organisation's for good.
CREATE TABLE authority_key (
	key     TEXT PRIMARY KEY, -- raw Ed25519 key, base64
	leaf    BIGINT NOT NULL,    -- that added it
	org     TEXT   NOT NULL,    -- UUID
	label   TEXT   NOT NULL,
	use_for TEXT   NOT NULL,    -- events, recovery
	added   BIGINT NOT NULL,    -- Unix milliseconds
	revoked BIGINT NOT NULL,    -- 0 while it signs
	reason  TEXT   NOT NULL     -- of the revocation
);
CREATE INDEX authority_key_org ON authority_key (org, leaf);

-- Whose word counts for what an organisation does: '' or operator, the operator's; self, its own keys' alone.
ALTER TABLE authority_org ADD COLUMN attest TEXT NOT NULL DEFAULT '';
