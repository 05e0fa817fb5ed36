-- PostgreSQL: bytea and 64-bit keys, and text keys compared by bytes as SQLite does.
-- The append-only event log. Every table here is fact (back it up) except where its header says otherwise.
-- There are no per-hash rows: level-0 hashes are recomputed from leaves, higher ones from full tiles.

-- +goose Up

-- fact: one row per leaf, the exact bytes that are hashed into the tree (RFC 6962 leaf hash).
CREATE TABLE ledger_leaf (
	idx  BIGINT PRIMARY KEY,
	leaf BYTEA NOT NULL
);

-- fact, erasable: the public body beside a leaf, packed (see pack.go). hash = SHA-256(salt || original bytes).
CREATE TABLE ledger_body (
	idx    BIGINT PRIMARY KEY,
	salt   BYTEA   NOT NULL,
	hash   BYTEA   NOT NULL,
	n      BIGINT NOT NULL,
	enc    BIGINT NOT NULL,
	dict   BIGINT NOT NULL,
	packed BYTEA   NOT NULL
);
CREATE INDEX ledger_body_hash ON ledger_body (substr(hash, 1, 8));

-- fact, erasable: the private body behind a committed leaf; stored without its padding.
CREATE TABLE ledger_private (
	idx  BIGINT PRIMARY KEY,
	salt BYTEA NOT NULL,
	body BYTEA NOT NULL
);

-- fact: every dictionary any packed body was ever written with. Rows are never deleted.
CREATE TABLE ledger_dict (
	id    BIGINT PRIMARY KEY,
	bytes BYTEA NOT NULL
);

-- derived from leaves: full tiles only, 256 hashes of 32 bytes. root stands before hashes so that reading roots
-- does not touch overflow pages.
CREATE TABLE ledger_tile (
	level  BIGINT NOT NULL,
	n      BIGINT NOT NULL,
	root   BYTEA   NOT NULL,
	hashes BYTEA   NOT NULL,
	PRIMARY KEY (level, n)
);

-- derived from leaves: the newest leaf of each subject; older ones are reached along o.back.
CREATE TABLE ledger_subject (
	subject TEXT COLLATE "C" PRIMARY KEY,
	idx     BIGINT NOT NULL
);

-- derived from leaves: exactly one row. Locking it orders writers over several nodes.
CREATE TABLE ledger_head (
	one  BIGINT PRIMARY KEY CHECK (one = 1),
	size BIGINT NOT NULL,
	edge BYTEA   NOT NULL,
	time BIGINT NOT NULL
);
INSERT INTO ledger_head (one, size, edge, time) VALUES (1, 0, '', 0);

-- fact: the last checkpoint signed per origin; what keeps a signer from ever signing a fork.
CREATE TABLE ledger_checkpoint (
	origin TEXT COLLATE "C" PRIMARY KEY,
	size   BIGINT NOT NULL,
	root   BYTEA   NOT NULL,
	note   TEXT   NOT NULL,
	time   BIGINT NOT NULL
);

-- operational: who signs at the moment. Liveness only; safety is ledger_checkpoint's compare-and-swap.
CREATE TABLE ledger_lease (
	name   TEXT COLLATE "C" PRIMARY KEY,
	holder TEXT   NOT NULL,
	until  BIGINT NOT NULL
);
