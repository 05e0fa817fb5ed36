-- blob: fact. Raw bytes as they were fetched, by their SHA-256; what is derived from them can be derived again.
-- packed 0: body is the bytes; 1: body is a zstd frame of them.
CREATE TABLE blob (
  digest BYTEA  PRIMARY KEY,
  size   BIGINT NOT NULL,
  packed BIGINT NOT NULL,
  body   BYTEA  NOT NULL
);
