-- fact: what was asked and refused. PostgreSQL numbers rows by an identity, SQLite by its rowid.
CREATE TABLE authority_audit (
	n      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at     BIGINT NOT NULL,
	caller TEXT   NOT NULL,
	action TEXT   NOT NULL,
	reason TEXT   NOT NULL
);
