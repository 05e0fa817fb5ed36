-- draft: operational, private. What a person is writing for one identifier, and the copy that lost against another tab
-- (aside 1). Times are Unix milliseconds; usr and org are UUIDs. Erase with the person.
CREATE TABLE draft (
  usr     TEXT   NOT NULL,
  subject TEXT   NOT NULL,
  aside   BIGINT NOT NULL,
  version BIGINT NOT NULL,
  org     TEXT   NOT NULL,
  body    BLOB   NOT NULL,
  at      BIGINT NOT NULL,
  PRIMARY KEY (usr, subject, aside)
);
-- draft_template: operational, private to the organisation. Containers to begin with; usr is who saved it last.
CREATE TABLE draft_template (
  org  TEXT   NOT NULL,
  name TEXT   NOT NULL,
  usr  TEXT   NOT NULL,
  body BLOB   NOT NULL,
  at   BIGINT NOT NULL,
  PRIMARY KEY (org, name)
);
