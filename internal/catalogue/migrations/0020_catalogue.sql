-- derived: the current view per CVE, as far as search and lists need it. One row per identifier; everything else is
-- read from the record's body. entry is JSON in S2 blocks (see entry.go).
CREATE TABLE catalogue_record (
	id      TEXT PRIMARY KEY,
	leaf    BIGINT NOT NULL,  -- newest leaf about the identifier
	changed BIGINT NOT NULL,  -- lastModified as change-polling clients see it, Unix milliseconds
	logged  BIGINT NOT NULL,  -- o.t of the leaf, Unix milliseconds
	entry   BYTEA  NOT NULL
);
CREATE INDEX catalogue_record_leaf ON catalogue_record (leaf);
