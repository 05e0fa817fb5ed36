-- derived: what the list said before. catalogue_record learns what reads of the past need of a current version;
-- catalogue_past has one row per version that another one took the place of. Filled by folding the log again.
ALTER TABLE catalogue_record ADD COLUMN version BIGINT NOT NULL DEFAULT -1; -- leaf of the current version; column leaf is greater once its body was erased
ALTER TABLE catalogue_record ADD COLUMN source BIGINT NOT NULL DEFAULT 0;   -- since when the source held this version, Unix milliseconds
ALTER TABLE catalogue_record ADD COLUMN state TEXT NOT NULL DEFAULT '';     -- as the event says it
CREATE INDEX catalogue_record_erased ON catalogue_record (version) WHERE leaf > version;

CREATE TABLE catalogue_past (
	leaf    INTEGER PRIMARY KEY,
	id      TEXT   NOT NULL,
	until   BIGINT NOT NULL,  -- leaf of the version that took its place
	changed BIGINT NOT NULL,  -- as in catalogue_record, when it was superseded
	logged  BIGINT NOT NULL,  -- o.t of the leaf, Unix milliseconds
	source  BIGINT NOT NULL,  -- since when the source held it, Unix milliseconds
	thru    BIGINT NOT NULL,  -- the earliest source of a later version: by the source's clock it stood from source until before thru
	state   TEXT   NOT NULL,
	erased  BIGINT NOT NULL,  -- leaf of the erasure of its body, -1 where that stands
	entry   BYTEA  NOT NULL   -- as it was in catalogue_record; empty once the body was erased
);
CREATE INDEX catalogue_past_id ON catalogue_past (id, leaf);
CREATE INDEX catalogue_past_until ON catalogue_past (until);
CREATE INDEX catalogue_past_thru ON catalogue_past (thru);
CREATE INDEX catalogue_past_erased ON catalogue_past (erased) WHERE erased >= 0;
