-- As 0031_jobs.sql, with byte order for keys: the database's own collation would list them differently.
-- job: operational. One row per scheduled job; times are Unix milliseconds. lease_owner '' means that nobody runs it.
CREATE TABLE job (
  name        TEXT   COLLATE "C" PRIMARY KEY,
  next_at     BIGINT NOT NULL,
  lease_owner TEXT   NOT NULL,
  lease_until BIGINT NOT NULL,
  last_start  BIGINT NOT NULL,
  last_end    BIGINT NOT NULL,
  last_node   TEXT   NOT NULL,
  last_error  TEXT   NOT NULL,
  last_note   TEXT   NOT NULL,
  failures    BIGINT NOT NULL
);
-- job_cursor: operational. Where a feed left off; the value is the feed's own JSON.
CREATE TABLE job_cursor (
  name  TEXT   COLLATE "C" PRIMARY KEY,
  value BYTEA  NOT NULL,
  at    BIGINT NOT NULL
);
-- import_refused: operational. Files a feed could not take in, until the same file or the same subject is taken in.
CREATE TABLE import_refused (
  feed    TEXT   COLLATE "C" NOT NULL,
  source  TEXT   COLLATE "C" NOT NULL,
  path    TEXT   COLLATE "C" NOT NULL,
  subject TEXT   COLLATE "C" NOT NULL,
  code    TEXT   NOT NULL,
  reason  TEXT   NOT NULL,
  sha256  TEXT   NOT NULL,
  size    BIGINT NOT NULL,
  body    BYTEA,
  at      BIGINT NOT NULL,
  PRIMARY KEY (feed, source, path)
);
