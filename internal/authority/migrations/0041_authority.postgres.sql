-- PostgreSQL: texts that are keys or give an order compare by bytes, as on SQLite.
-- derived: organisations. One row each; leaf is the newest event that names it, whose body may be erased: then the texts are
-- empty until it is named again.
CREATE TABLE authority_org (
	id       TEXT COLLATE "C" PRIMARY KEY, -- UUID
	n        BIGINT NOT NULL,    -- leaf that made it: the order of creation
	leaf     BIGINT NOT NULL,
	short    TEXT COLLATE "C" NOT NULL,
	name     TEXT   NOT NULL,
	profile  TEXT   NOT NULL,    -- public contact, canonical JSON; '' when there is none
	adopted  BIGINT NOT NULL,    -- 1: made from an imported assigner
	created  BIGINT NOT NULL,    -- Unix milliseconds, as all times here
	modified BIGINT NOT NULL     -- by public events; a quota's change is dated in its own row
);
CREATE UNIQUE INDEX authority_org_short ON authority_org (short) WHERE short <> '';
CREATE INDEX authority_org_leaf ON authority_org (leaf);

-- derived: role grants. The leaf says all but scope and decision; those alone are lost with an erased body.
CREATE TABLE authority_grant (
	id         TEXT COLLATE "C" PRIMARY KEY, -- UUID
	leaf       BIGINT NOT NULL,
	org        TEXT COLLATE "C" NOT NULL,
	role       TEXT   NOT NULL,
	parent     TEXT COLLATE "C" NOT NULL,    -- grant it stands under, '' for none
	valid_from BIGINT NOT NULL,
	valid_to   BIGINT NOT NULL,    -- 0: without end
	pack       TEXT   NOT NULL,    -- rule pack it was given under
	body       TEXT   NOT NULL,    -- scope and decision, canonical JSON; '' once erased
	given      BIGINT NOT NULL,
	ended      BIGINT NOT NULL,    -- 0 while it stands
	reason     TEXT   NOT NULL     -- of its end
);
CREATE INDEX authority_grant_org ON authority_grant (org, leaf);
CREATE INDEX authority_grant_leaf ON authority_grant (leaf);

-- derived: rule packs as they were adopted; the newest is in force.
CREATE TABLE authority_rulepack (
	leaf    BIGINT PRIMARY KEY,
	version TEXT   NOT NULL,
	body    BYTEA  NOT NULL,       -- empty once erased
	adopted BIGINT NOT NULL
);

-- derived from private facts: a row per fact, a mark on the newest of each subject. Erasing a leaf deletes its row and moves
-- the mark, which is what a replay without that fact gives. Nothing of these rows is folded into any other place.
CREATE TABLE authority_user (
	leaf     BIGINT PRIMARY KEY,
	subject  TEXT COLLATE "C" NOT NULL,      -- the user's UUID
	org      TEXT COLLATE "C" NOT NULL,
	username TEXT COLLATE "C" NOT NULL,
	first    TEXT   NOT NULL,
	last     TEXT   NOT NULL,
	middle   TEXT   NOT NULL,
	suffix   TEXT   NOT NULL,
	roles    TEXT   NOT NULL,      -- separated by spaces
	active   BIGINT NOT NULL,
	removed  BIGINT NOT NULL,
	added    BIGINT NOT NULL,      -- leaf that added the user: the order of creation
	created  BIGINT NOT NULL,
	modified BIGINT NOT NULL,
	newest   BIGINT NOT NULL
);
CREATE INDEX authority_user_subject ON authority_user (subject, leaf);
CREATE INDEX authority_user_name ON authority_user (org, username) WHERE newest = 1;
CREATE INDEX authority_user_added ON authority_user (added) WHERE newest = 1;

CREATE TABLE authority_secret (
	leaf    BIGINT PRIMARY KEY,
	subject TEXT COLLATE "C" NOT NULL,       -- the user's UUID
	phc     TEXT   NOT NULL,       -- argon2id, PHC string
	made    BIGINT NOT NULL,
	newest   BIGINT NOT NULL
);
CREATE INDEX authority_secret_subject ON authority_secret (subject, leaf);

CREATE TABLE authority_quota (
	leaf    BIGINT PRIMARY KEY,
	subject TEXT COLLATE "C" NOT NULL,       -- the organisation's UUID
	quota   BIGINT NOT NULL,
	made    BIGINT NOT NULL,
	newest   BIGINT NOT NULL
);
CREATE INDEX authority_quota_subject ON authority_quota (subject, leaf);

CREATE TABLE authority_contact (
	leaf     BIGINT PRIMARY KEY,
	subject  TEXT COLLATE "C" NOT NULL,      -- the organisation's UUID
	contacts TEXT   NOT NULL,      -- administrative contacts, canonical JSON
	made     BIGINT NOT NULL,
	newest   BIGINT NOT NULL
);
CREATE INDEX authority_contact_subject ON authority_contact (subject, leaf);

-- operational: when a user's secret was last used, to the hour. Nobody should notice its loss.
CREATE TABLE authority_used (
	subject TEXT COLLATE "C" PRIMARY KEY,
	at      BIGINT NOT NULL
);
