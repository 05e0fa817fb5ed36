-- Keys compare by bytes, as on SQLite.
-- derived: a version is made of one leaf (a whole document) or of several (containers put one by one, perhaps over a document).
-- Which these are, the log itself says: each leaf names the one before it about the same identifier. Filled by folding the log again.
ALTER TABLE catalogue_record ADD COLUMN parts BIGINT NOT NULL DEFAULT 0; -- how many leaves the version is assembled from; 0: its leaf has the whole record
ALTER TABLE catalogue_past ADD COLUMN parts BIGINT NOT NULL DEFAULT 0;

-- derived: organisations of this list, among which the one is looked for that a first container opens the commitment to.
CREATE TABLE catalogue_org (
	org TEXT COLLATE "C" PRIMARY KEY -- UUID
);
