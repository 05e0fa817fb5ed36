-- charter: fact. The signed documents that say who runs this list, genesis first. Rows are only
-- added, but for the newest: where people choose its sibling, the two change places (charter_sibling).
CREATE TABLE charter (
    v   BIGINT NOT NULL PRIMARY KEY CHECK (v >= 1),
    doc BYTEA  NOT NULL -- canonical bytes of the whole document, signatures included, at most 64 KiB
);
