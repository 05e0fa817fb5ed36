-- Keys compare by bytes, as on SQLite.
-- derived: a version is one leaf (a whole document) or assembled from several (containers put one by one, perhaps over a document):
-- their indexes as decimal numbers in the log's order, with commas between; '' where the leaf alone is the record. Filled by folding
-- the log again.
ALTER TABLE catalogue_record ADD COLUMN parts TEXT NOT NULL DEFAULT '';
ALTER TABLE catalogue_past ADD COLUMN parts TEXT NOT NULL DEFAULT '';

-- derived: organisations of this list, among which the one is looked for that a first container opens the commitment to.
CREATE TABLE catalogue_org (
	org TEXT COLLATE "C" PRIMARY KEY -- UUID
);
