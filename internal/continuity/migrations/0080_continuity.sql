-- continuity_store: fact. The name of this store for good; a mirror's key is bound to it. One row.
CREATE TABLE continuity_store (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  id  TEXT   NOT NULL
);
-- continuity_cosigned: fact. For each origin what the log signed that this mirror saw last, and what it cosigned last. A sealed
-- origin is never cosigned again: the statement that writes here refuses it.
CREATE TABLE continuity_cosigned (
  origin    TEXT   NOT NULL PRIMARY KEY,
  seen_size BIGINT NOT NULL,
  seen_root BYTEA  NOT NULL,
  seen_note BYTEA  NOT NULL,
  size      BIGINT NOT NULL, -- 0: nothing
  root      BYTEA  NOT NULL,
  note      BYTEA  NOT NULL, -- with this mirror's line
  sealed    BIGINT NOT NULL CHECK (sealed IN (0, 1))
);
-- continuity_seal: fact. Statements that this mirror gave about old origins; a second one for an origin names another charter,
-- which people chose. nr is their order; at Unix milliseconds, as everywhere here.
CREATE TABLE continuity_seal (
  nr      BIGINT NOT NULL PRIMARY KEY,
  origin  TEXT   NOT NULL,
  charter TEXT   NOT NULL, -- hash of the charter that ends it
  size    BIGINT NOT NULL,
  root    BYTEA  NOT NULL,
  note    BYTEA  NOT NULL,
  UNIQUE (origin, charter)
);
-- continuity_refusal: fact. Why this mirror does not cosign an origin beyond a size.
CREATE TABLE continuity_refusal (
  origin TEXT   NOT NULL PRIMARY KEY,
  size   BIGINT NOT NULL,
  kind   TEXT   NOT NULL,
  leaf   BIGINT NOT NULL, -- −1: not because of a leaf
  reason TEXT   NOT NULL,
  at     BIGINT NOT NULL
);
-- continuity_evidence: fact. What was signed and should not have been; public.
CREATE TABLE continuity_evidence (
  nr     BIGINT NOT NULL PRIMARY KEY,
  name   TEXT   NOT NULL UNIQUE,
  kind   TEXT   NOT NULL,
  origin TEXT   NOT NULL,
  text   TEXT   NOT NULL,
  notes  BYTEA  NOT NULL, -- a JSON array of what was signed, verbatim
  at     BIGINT NOT NULL
);
-- continuity_report: fact. Seals of mirrors that a successor has collected; verified again when they are used.
CREATE TABLE continuity_report (
  hash TEXT   NOT NULL PRIMARY KEY, -- hex SHA-256 of the note
  note BYTEA  NOT NULL
);
-- continuity_client: fact. What this follower accepted last, and why it does not move. One row.
CREATE TABLE continuity_client (
  one     BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  size    BIGINT NOT NULL, -- 0: nothing yet
  root    BYTEA  NOT NULL,
  origin  TEXT   NOT NULL,
  epoch   BIGINT NOT NULL,
  note    BYTEA  NOT NULL,
  newest  BIGINT NOT NULL, -- what its newest witness states; 0: nobody cosigns
  hold    TEXT   NOT NULL, -- '': it moves
  hold_a  TEXT   NOT NULL,
  hold_b  TEXT   NOT NULL,
  hold_at BIGINT NOT NULL
);
-- continuity_published: fact. For each origin the newest checkpoint that this node has published, with every line of its quorum.
CREATE TABLE continuity_published (
  origin TEXT   NOT NULL PRIMARY KEY,
  size   BIGINT NOT NULL,
  root   BYTEA  NOT NULL,
  note   BYTEA  NOT NULL
);
-- continuity_collected: fact. For each origin the pending checkpoint that has its mirrors' lines, before witnesses are asked.
CREATE TABLE continuity_collected (
  origin TEXT   NOT NULL PRIMARY KEY,
  size   BIGINT NOT NULL,
  root   BYTEA  NOT NULL,
  note   BYTEA  NOT NULL
);
