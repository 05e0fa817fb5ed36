-- derived: numbers that authorities assign by themselves. One row per block; a sub-block lies inside another.
CREATE TABLE registry_block (
	leaf    BIGINT PRIMARY KEY,
	year    BIGINT NOT NULL,
	first   BIGINT NOT NULL,
	last    BIGINT NOT NULL,
	owner   TEXT   NOT NULL,    -- commitment to whose it is
	key     TEXT   NOT NULL,    -- that signs for its lanes, base64
	by_org  TEXT   NOT NULL,    -- who granted it, UUID
	granted BIGINT NOT NULL,    -- o.t, Unix milliseconds
	closed  BIGINT NOT NULL,    -- o.t; 0 while it is open
	org     TEXT   NOT NULL     -- whose it is, UUID, once a publication has opened the commitment; '' before
);
CREATE INDEX registry_block_year ON registry_block (year, first);

-- derived: whose a block is, from private facts. One row per fact, so that an erased one leaves no trace.
CREATE TABLE registry_block_owner (
	leaf  BIGINT PRIMARY KEY,
	block BIGINT NOT NULL,      -- leaf of the block
	org   TEXT   NOT NULL,      -- UUID
	salt  BYTEA   NOT NULL       -- opens the commitment
);
CREATE UNIQUE INDEX registry_block_owner_block ON registry_block_owner (block);

-- derived: events that their authors signed, by event hash: the same one handed in again is one leaf.
CREATE TABLE registry_signed (
	hash BYTEA PRIMARY KEY,
	leaf BIGINT NOT NULL
);

-- 1: a public leaf says whose it is (the first of an identifier of a block), so that no erased body takes it away.
ALTER TABLE registry_owner ADD COLUMN public BIGINT NOT NULL DEFAULT 0;
