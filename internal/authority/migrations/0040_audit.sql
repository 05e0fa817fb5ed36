-- fact: what was asked and refused. Not in the log; back it up.
CREATE TABLE authority_audit (
	n      INTEGER PRIMARY KEY,
	at     BIGINT NOT NULL, -- Unix milliseconds
	caller TEXT   NOT NULL,
	action TEXT   NOT NULL,
	reason TEXT   NOT NULL
);
