-- derived: which CVE identifiers exist (keys compare by bytes, as on SQLite). One row per identifier.
CREATE TABLE registry_record (
	id       TEXT COLLATE "C" PRIMARY KEY,
	state    TEXT   NOT NULL,    -- RESERVED, PUBLISHED, REJECTED
	base     BIGINT NOT NULL,    -- leaf of the newest whole document
	assigner TEXT   NOT NULL,    -- organisation UUID as the document says
	updated  BIGINT NOT NULL,    -- the document's dateUpdated, Unix milliseconds; 0 when it has none
	sha256   BYTEA  NOT NULL     -- of the document's bytes
);

-- derived: one row per finished import that changed something.
CREATE TABLE registry_import (
	leaf   BIGINT PRIMARY KEY,
	source TEXT   NOT NULL,
	digest TEXT   NOT NULL,
	sample BIGINT NOT NULL,      -- 1: the sample that comes with the program
	counts TEXT   NOT NULL,      -- JSON object, verdict to number
	time   BIGINT NOT NULL
);
