-- charter_sibling: fact. Charters beside the chain that would have been valid in the place of one of its own: the board signed
-- twice. They are shown to everybody. No document is ever lost: where people choose a sibling of the newest charter, the two
-- change places, in one transaction.
CREATE TABLE charter_sibling (
    v    BIGINT NOT NULL CHECK (v >= 2),
    hash TEXT   NOT NULL, -- lower-case hex SHA-256 of the signed part
    doc  BYTEA  NOT NULL, -- canonical bytes of the whole document, signatures included, at most 64 KiB
    PRIMARY KEY (v, hash)
);
