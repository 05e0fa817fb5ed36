-- derived: cases of the Program's workflows, as their public leaves say. One row each.
CREATE TABLE governance_case (
	id          TEXT   PRIMARY KEY, -- UUID
	leaf        BIGINT NOT NULL,    -- that began it: the order of cases
	newest      BIGINT NOT NULL,    -- leaf of its newest step
	workflow    TEXT   NOT NULL,    -- dispute, refusal, direction, transfer, inactivity
	subject     TEXT   NOT NULL,    -- why it was begun, one word
	state       TEXT   NOT NULL,
	level       TEXT   NOT NULL,    -- who decides a dispute; which notice
	ids         TEXT   NOT NULL,    -- CVE identifiers, separated by spaces
	hidden      BIGINT NOT NULL,    -- 1: text and organisations are committed, not public
	party       TEXT   NOT NULL,    -- who began it, UUID; '' hidden or anonymous
	against     TEXT   NOT NULL,    -- whom it is with, UUID
	adjudicator TEXT   NOT NULL,    -- who decides now, UUID
	opened      BIGINT NOT NULL,    -- Unix milliseconds, as all times here
	changed     BIGINT NOT NULL,
	due         BIGINT NOT NULL,    -- of what comes next; 0 for no time
	outcome     TEXT   NOT NULL,
	pack        TEXT   NOT NULL     -- rule pack of the newest step
);
CREATE INDEX governance_case_leaf ON governance_case (workflow, leaf);

-- derived: which cases an identifier is part of.
CREATE TABLE governance_about (
	cve     TEXT NOT NULL,
	case_id TEXT NOT NULL,
	PRIMARY KEY (cve, case_id)
);

-- derived: the public steps of cases, sightings, splits, merges and transfers. One row per leaf.
CREATE TABLE governance_step (
	leaf     INTEGER PRIMARY KEY,
	case_id  TEXT   NOT NULL,       -- '' for what belongs to no case
	kind     TEXT   NOT NULL,
	cve      TEXT   NOT NULL,       -- the identifier that the leaf is about, ''
	ids      TEXT   NOT NULL,
	by_org   TEXT   NOT NULL,
	org      TEXT   NOT NULL,
	from_org TEXT   NOT NULL,
	to_org   TEXT   NOT NULL,
	level    TEXT   NOT NULL,
	reason   TEXT   NOT NULL,
	outcome  TEXT   NOT NULL,
	source   TEXT   NOT NULL,
	due      BIGINT NOT NULL,
	pack     TEXT   NOT NULL,
	at       BIGINT NOT NULL,
	body     TEXT   NOT NULL        -- canonical JSON; '' when there is none or it was erased
);
CREATE INDEX governance_step_case ON governance_step (case_id, leaf);
CREATE INDEX governance_step_kind ON governance_step (kind, leaf);
CREATE INDEX governance_step_cve ON governance_step (cve, leaf) WHERE cve <> '';

-- derived from private facts: what a step of a hidden case does not say in public. A row per fact, so that an erased one
-- leaves no trace.
CREATE TABLE governance_note (
	leaf    INTEGER PRIMARY KEY,
	case_id TEXT   NOT NULL,
	step    BIGINT NOT NULL,        -- leaf of the step it belongs to; -1 for none
	body    TEXT   NOT NULL         -- canonical JSON
);
CREATE INDEX governance_note_case ON governance_note (case_id, leaf);

-- derived: deadlines as they were stamped.
CREATE TABLE governance_clock (
	leaf    BIGINT NOT NULL,        -- that started it
	what    TEXT   NOT NULL,        -- the rule pack's name for it
	case_id TEXT   NOT NULL,
	cve     TEXT   NOT NULL,        -- identifier whose publication or rejection ends it, ''
	org     TEXT   NOT NULL,        -- who is to act, UUID; '' while that is not public
	started BIGINT NOT NULL,
	due     BIGINT NOT NULL,
	ended   BIGINT NOT NULL,        -- 0 while it runs
	pack    TEXT   NOT NULL,
	PRIMARY KEY (leaf, what, cve)
);
CREATE INDEX governance_clock_open ON governance_clock (due, leaf) WHERE ended = 0;
CREATE INDEX governance_clock_case ON governance_clock (case_id) WHERE ended = 0;
CREATE INDEX governance_clock_cve ON governance_clock (cve) WHERE ended = 0;
CREATE INDEX governance_clock_org ON governance_clock (org, leaf);

-- derived: who was told to assign or publish, by identifier. cve is '' where there is none yet.
CREATE TABLE governance_direction (
	leaf    BIGINT NOT NULL,
	case_id TEXT   NOT NULL,
	org     TEXT   NOT NULL,
	cve     TEXT   NOT NULL,
	ended   BIGINT NOT NULL,        -- leaf that ended it, -1 while it stands
	PRIMARY KEY (leaf, cve)
);
CREATE INDEX governance_direction_cve ON governance_direction (cve, org) WHERE ended = -1;
CREATE INDEX governance_direction_case ON governance_direction (case_id);

-- derived: how long identifiers of this list took from reservation to publication. One row per first container.
CREATE TABLE governance_pace (
	leaf      INTEGER PRIMARY KEY,
	cve       TEXT   NOT NULL,
	org       TEXT   NOT NULL,
	reserved  BIGINT NOT NULL,
	published BIGINT NOT NULL
);
CREATE INDEX governance_pace_org ON governance_pace (org, leaf);

-- operational: which reminders were sent, so that nobody gets one twice.
CREATE TABLE governance_reminder (
	clock TEXT   NOT NULL,
	stage TEXT   NOT NULL,
	at    BIGINT NOT NULL,
	PRIMARY KEY (clock, stage)
);
