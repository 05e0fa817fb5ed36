-- As 0070_drafts.sql, with byte order for keys: the database's own collation would list them differently.
-- draft: operational, private. What a person is writing for one identifier, and the copy that lost against another tab
-- (aside 1). Times are Unix milliseconds; usr and org are UUIDs. Erase with the person.
CREATE TABLE draft (
  usr     TEXT   COLLATE "C" NOT NULL,
  subject TEXT   COLLATE "C" NOT NULL,
  aside   BIGINT NOT NULL,
  version BIGINT NOT NULL,
  org     TEXT   COLLATE "C" NOT NULL,
  body    BYTEA  NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (usr, subject, aside)
);
-- draft_template: operational, private to the organisation. Containers to begin with; usr is who saved it last.
CREATE TABLE draft_template (
  org  TEXT   COLLATE "C" NOT NULL,
  name TEXT   COLLATE "C" NOT NULL,
  usr  TEXT   COLLATE "C" NOT NULL,
  body BYTEA  NOT NULL,
  at   BIGINT NOT NULL,
  PRIMARY KEY (org, name)
);
