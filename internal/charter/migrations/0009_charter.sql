-- charter: fact. The signed documents that say who runs this list, genesis first; never changed or removed.
CREATE TABLE charter (
    v   BIGINT NOT NULL PRIMARY KEY CHECK (v >= 1),
    doc BYTEA  NOT NULL -- canonical bytes of the whole document, signatures included, at most 64 KiB
);
