-- PostgreSQL: texts that are keys compare by bytes, as on SQLite; leaves are wider than its INTEGER.
-- operational: who is signed in to the portal, on any node. Nobody should notice its loss but those who sign in again.
-- What a browser holds is nowhere here: a row is found by the hash of it.
CREATE TABLE authority_session (
	hash    TEXT COLLATE "C" PRIMARY KEY,  -- SHA-256 of what the browser holds, hexadecimal
	name    TEXT COLLATE "C" NOT NULL,     -- what the user knows it by; random
	subject TEXT COLLATE "C" NOT NULL,     -- the user's UUID
	org     TEXT   NOT NULL,     -- their organisation when they signed in, UUID
	secret  BIGINT NOT NULL,     -- leaf of their secret then, -1 for none: a newer one ends the session
	totp    BIGINT NOT NULL,     -- leaf of the one-time password's key that was asked for, -1 for none
	via     TEXT   NOT NULL,     -- key or oidc
	agent   TEXT   NOT NULL,     -- what the browser calls itself
	source  TEXT   NOT NULL,     -- address it came from
	began   BIGINT NOT NULL,     -- Unix milliseconds, as all times here
	seen    BIGINT NOT NULL
);
CREATE INDEX authority_session_subject ON authority_session (subject);

-- derived from private facts, as authority_secret is: keys of one-time passwords (RFC 6238).
CREATE TABLE authority_totp (
	leaf    BIGINT PRIMARY KEY,
	subject TEXT COLLATE "C" NOT NULL,     -- the user's UUID
	secret  TEXT   NOT NULL,     -- base32; '' where it was switched off
	made    BIGINT NOT NULL,
	newest  BIGINT NOT NULL
);
CREATE INDEX authority_totp_subject ON authority_totp (subject, leaf);

-- operational: the last one-time password that was accepted, so that none is good twice, and the wrong ones since.
CREATE TABLE authority_totp_used (
	subject  TEXT COLLATE "C" PRIMARY KEY,
	step     BIGINT NOT NULL,
	failures BIGINT NOT NULL,
	failed   BIGINT NOT NULL     -- time of the last wrong one
);

-- A member reads what was refused to them.
CREATE INDEX authority_audit_caller ON authority_audit (caller, n);
