-- Keys and owners compare by bytes, as on SQLite.
-- derived: years whose identifiers may be given out, and how far the counters have come.
CREATE TABLE registry_range (
	year     BIGINT PRIMARY KEY,
	opened   BIGINT NOT NULL,    -- 0: nothing is given out, only counters are known
	last     BIGINT NOT NULL,    -- highest number that may be given out
	priority BIGINT NOT NULL,    -- highest number given out of the priority block
	general  BIGINT NOT NULL     -- highest number given out, or set aside, of the general block
);

-- derived: numbers set aside for non-sequential reservation and not given out yet.
CREATE TABLE registry_pool (
	year BIGINT NOT NULL,
	num  BIGINT NOT NULL,
	PRIMARY KEY (year, num)
);

-- derived: identifiers that an event of this list is about, beside imports. One row each. What only imports know is in
-- registry_record; it belongs to its assigner once that is in registry_adopted.
CREATE TABLE registry_id (
	id       TEXT COLLATE "C" PRIMARY KEY,
	year     BIGINT NOT NULL,
	state    TEXT   NOT NULL,    -- RESERVED, PUBLISHED, REJECTED
	owner    TEXT   COLLATE "C" NOT NULL,    -- newest of registry_owner, else the adopted assigner of its document; '' when nobody's
	record   BIGINT NOT NULL,    -- 1: there is a record
	opened   BIGINT NOT NULL,    -- 1: a public leaf has said who the owner is
	reserved BIGINT NOT NULL,    -- Unix milliseconds; 0 when nobody said
	public   BIGINT NOT NULL,    -- o.t of the newest public leaf about it, Unix milliseconds
	modified BIGINT NOT NULL     -- the later of public and the newest owner's leaf
);
CREATE INDEX registry_id_owner ON registry_id (owner, id);

-- derived: who owned an identifier since when. One row per fact, so that an erased one leaves no trace.
CREATE TABLE registry_owner (
	leaf BIGINT PRIMARY KEY,
	id   TEXT COLLATE "C"   NOT NULL,
	org  TEXT COLLATE "C"   NOT NULL,        -- UUID
	time BIGINT NOT NULL         -- o.t, Unix milliseconds
);
CREATE INDEX registry_owner_id ON registry_owner (id, leaf);

-- derived: who asked for an identifier. One row per fact.
CREATE TABLE registry_requester (
	leaf   BIGINT PRIMARY KEY,
	id     TEXT COLLATE "C" NOT NULL,
	org    TEXT COLLATE "C" NOT NULL,        -- UUID
	person TEXT NOT NULL         -- UUID of the user
);
CREATE INDEX registry_requester_id ON registry_requester (id, leaf);

-- derived: how many identifiers in state RESERVED an organisation owns.
CREATE TABLE registry_holding (
	org      TEXT COLLATE "C" PRIMARY KEY,
	reserved BIGINT NOT NULL
);

-- derived: containers put since the newest whole document. One row per leaf.
CREATE TABLE registry_put (
	leaf BIGINT PRIMARY KEY,
	id   TEXT COLLATE "C"   NOT NULL,
	cont TEXT   NOT NULL,        -- cna or adp
	org  TEXT COLLATE "C"   NOT NULL,        -- who put it, UUID
	hash BYTEA  NOT NULL         -- of the event
);
CREATE INDEX registry_put_id ON registry_put (id, leaf);

-- derived: organisations made from imported assigners.
CREATE TABLE registry_adopted (
	org  TEXT COLLATE "C" PRIMARY KEY,
	leaf BIGINT NOT NULL
);

-- Identifiers of an assigner, when it is adopted; when an identifier was reserved, as its document says (Unix milliseconds, or 0).
ALTER TABLE registry_record ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
CREATE INDEX registry_record_assigner ON registry_record (assigner, id);
