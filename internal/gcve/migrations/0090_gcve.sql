-- derived: identifiers that this list's own GCVE authority gave out.
CREATE TABLE gcve_id (
	id      TEXT PRIMARY KEY,
	year    BIGINT NOT NULL,
	num     BIGINT NOT NULL,
	state   TEXT   NOT NULL,    -- RESERVED, PUBLISHED, REJECTED
	leaf    BIGINT NOT NULL,    -- that gave it out
	newest  BIGINT NOT NULL,    -- newest leaf about it
	hash    TEXT   NOT NULL,    -- event hash of its newest record, hex; '' where there is none
	given   BIGINT NOT NULL,    -- o.t of leaf, Unix milliseconds, as all times here
	first   BIGINT NOT NULL,    -- o.t of its first published record, 0 where there is none
	changed BIGINT NOT NULL     -- o.t of newest
);
CREATE UNIQUE INDEX gcve_id_newest ON gcve_id (newest);

-- derived: the highest number given out of each year, or skipped.
CREATE TABLE gcve_year (
	year INTEGER PRIMARY KEY,
	top  BIGINT NOT NULL
);

-- derived: the newest record of an identifier by each authority that said something about it.
CREATE TABLE gcve_record (
	idkey     TEXT   NOT NULL,  -- one spelling of the identifier
	origin    BIGINT NOT NULL,  -- number of the authority that said it
	id        TEXT   NOT NULL,  -- as it was written
	source    TEXT   NOT NULL,  -- where it was read; '' for our own
	leaf      BIGINT NOT NULL,
	state     TEXT   NOT NULL,
	reserved  BIGINT NOT NULL,  -- as the leaf says, 0 where it does not
	published BIGINT NOT NULL,
	updated   BIGINT NOT NULL,
	rejected  BIGINT NOT NULL,
	logged    BIGINT NOT NULL,
	sha256    TEXT   NOT NULL,  -- of the document, hex; '' once it was erased
	title     TEXT   NOT NULL,
	PRIMARY KEY (idkey, origin)
);
CREATE UNIQUE INDEX gcve_record_leaf ON gcve_record (leaf);
CREATE INDEX gcve_record_origin ON gcve_record (origin, updated);

-- derived: what a record is about: aliases, weaknesses, vendors, products, its assigner. Gone with its body.
CREATE TABLE gcve_term (
	leaf  BIGINT NOT NULL,
	kind  TEXT   NOT NULL,      -- alias, cwe, vendor, product, assigner
	value TEXT   NOT NULL,
	PRIMARY KEY (leaf, kind, value)
);
CREATE INDEX gcve_term_value ON gcve_term (kind, value);

-- derived: links between identifiers that the log itself says.
CREATE TABLE gcve_alias (
	leaf  INTEGER PRIMARY KEY,
	idkey TEXT NOT NULL,
	alias TEXT NOT NULL
);
CREATE INDEX gcve_alias_id ON gcve_alias (idkey);
CREATE INDEX gcve_alias_alias ON gcve_alias (alias);

-- derived: directories of authorities that this list saw.
CREATE TABLE gcve_directory (
	leaf    INTEGER PRIMARY KEY,
	source  TEXT   NOT NULL,
	digest  TEXT   NOT NULL,    -- SHA-256 of its bytes, hex
	updated BIGINT NOT NULL,    -- its newest updated_at, 0 where it has none
	logged  BIGINT NOT NULL
);
CREATE UNIQUE INDEX gcve_directory_digest ON gcve_directory (digest);
