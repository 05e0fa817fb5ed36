// Package store is a database with one meaning on two engines: SQLite (embedded, one file) and PostgreSQL (several
// nodes, one cluster). It knows transactions, prepared query files, migrations and the sequencer that lets one writer
// serve many commands; it knows nothing of CVE.
//
// Every table that a migration makes says in its header whether it is fact (back it up), derived (rebuilt by replay)
// or operational (nobody should notice tomorrow).
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Engine names the database behind a DB.
type Engine int

// The engines.
const (
	SQLite Engine = iota
	Postgres
)

func (e Engine) String() string {
	if e == Postgres {
		return "postgres"
	}
	return "sqlite"
}

// Errors that callers branch on.
var (
	// ErrNewer means the store was written by a newer program; opening it would lose what this one does not know.
	ErrNewer = errors.New("store: written by a newer version of this program")
	// ErrReadOnly means a write was asked of a store opened for reading.
	ErrReadOnly = errors.New("store: opened read-only")
	// ErrNotDurable means a power loss could undo commits: synchronous is not FULL on SQLite, synchronous_commit is off
	// or local on PostgreSQL.
	ErrNotDurable = errors.New("store: commits would not be durable")
	// ErrAborted means a commit of a transaction in which a statement had failed: PostgreSQL answers it without an error, and
	// keeps nothing.
	ErrAborted = errors.New("store: the transaction had failed, nothing was committed")
	// ErrClosed means the store was closed.
	ErrClosed = errors.New("store: closed")
)

// Options tune Open. The zero value is useful.
type Options struct {
	Readers  int          // connections for reading; 0 means 8
	ReadOnly bool         // refuse writes
	Log      *slog.Logger // nil means discard
}

// DB is an open store. It is safe for concurrent use; writes are serialised by the caller's choice of Update or a
// Sequencer, and on SQLite by an internal lock.
type DB struct {
	engine   Engine
	dsn      string
	log      *slog.Logger
	read     *pool
	write    *pool // nil when read-only
	journeys atomic.Int64
	writing  chan struct{} // one slot: held by the writer of the moment; a channel, so that waiting ends with its context
}

// Open opens the store at dsn: a file path (SQLite) or a postgres:// URL. It does not migrate.
func Open(ctx context.Context, dsn string, o Options) (*DB, error) {
	if o.Readers == 0 {
		o.Readers = 8
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	db := &DB{dsn: dsn, log: o.Log, writing: make(chan struct{}, 1)}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		db.engine = Postgres
	}
	var err error
	if !o.ReadOnly {
		if db.write, err = openPool(ctx, db.engine, dsn, 1, true, &db.journeys); err != nil {
			return nil, fmt.Errorf("open %s for writing: %w", db.Name(), err)
		}
	}
	if db.read, err = openPool(ctx, db.engine, dsn, o.Readers, false, &db.journeys); err != nil {
		if db.write != nil {
			_ = db.write.close() // the error that matters is on its way
		}
		return nil, fmt.Errorf("open %s for reading: %w", db.Name(), err)
	}
	return db, nil
}

// Engine says which database this is.
func (db *DB) Engine() Engine { return db.engine }

// Name is the store's address without secrets, for messages.
func (db *DB) Name() string {
	if db.engine == Postgres {
		return redact(db.dsn)
	}
	return filepath.Base(db.dsn)
}

// Journeys is how often statements were sent to PostgreSQL and their answer waited for, since Open: what a transaction there costs
// most. On SQLite it is 0.
func (db *DB) Journeys() int64 { return db.journeys.Load() }

// Close releases every connection. On SQLite the write-ahead log is folded into the main file first.
func (db *DB) Close() error {
	err := db.read.close()
	if db.write != nil {
		if db.engine == SQLite {
			db.write.checkpoint()
		}
		err = errors.Join(err, db.write.close())
	}
	return err
}

// The statements around a transaction.
var (
	beginView   = &Query{name: "begin view", sqlite: "BEGIN", postgres: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}
	beginUpdate = &Query{name: "begin update", sqlite: "BEGIN IMMEDIATE", postgres: "BEGIN"}
	commit      = &Query{name: "commit", sqlite: "COMMIT", postgres: "COMMIT"}
)

// View runs fn in a read-only transaction: everything fn reads is of one moment.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	defer db.hold(false)()
	return db.read.tx(ctx, beginView, fn)
}

// Glance is View for a function that asks one query, which is of one moment by itself: on PostgreSQL it is one journey to the server
// and not three. A second one is refused.
func (db *DB) Glance(ctx context.Context, fn func(*Tx) error) error {
	defer db.hold(false)()
	return db.read.tx(ctx, nil, fn)
}

// Update runs fn in one write transaction and commits when it returns nil; a commit that returned is on disk.
// Writers of one process wait for each other on both engines, each as long as its ctx allows.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	if db.write == nil {
		return ErrReadOnly
	}
	defer db.hold(true)()
	select {
	case db.writing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-db.writing }()
	return db.write.tx(ctx, beginUpdate, fn)
}

// Tx is a transaction. It must not be used after the function it was given to returns.
type Tx struct {
	c      *conn
	engine Engine
	memory map[any]any       // nil where it could go out of step with the tables
	held   map[any]*heldBack // nil where writes are not put off
	order  []any             // keys of held
	single bool              // a Glance
	asked  bool              // what a Glance may ask was asked
}

// Engine says which database the transaction runs on.
func (tx *Tx) Engine() Engine { return tx.engine }

// Rows are what a query returns, a row at a time. Close may be called at any time, and again.
type Rows interface {
	Columns() ([]string, error)
	Next() bool
	Scan(dest ...any) error
	Close() error
	Err() error
}

// Row is what a query that returns at most one row returns; Scan of none is sql.ErrNoRows.
type Row interface{ Scan(dest ...any) error }

// Exec runs a query that returns no rows. On PostgreSQL it goes out with the next query that has to wait for its answer, or with
// the commit: an error may be told only then.
func (tx *Tx) Exec(ctx context.Context, q *Query, args ...any) (sql.Result, error) {
	if tx.single {
		return nil, fmt.Errorf("%s: %w", q.name, ErrReadOnly)
	}
	if tx.c.pg != nil {
		w, err := tx.c.pg.later(ctx, q, nil, args)
		if err != nil {
			return nil, err
		}
		return w, nil
	}
	st, err := tx.c.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	res, err := st.ExecContext(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.name, err)
	}
	return res, nil
}

// Query runs a query that returns rows; the caller closes them.
func (tx *Tx) Query(ctx context.Context, q *Query, args ...any) (Rows, error) {
	if err := tx.ask(q); err != nil {
		return nil, err
	}
	if tx.c.pg != nil {
		return tx.c.pg.query(ctx, q, args)
	}
	st, err := tx.c.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	rows, err := st.QueryContext(ctx, args...) //nolint:rowserrcheck // the caller's to ask
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q.name, err)
	}
	return rows, nil
}

// QueryRow runs a query that returns at most one row. It need not have run before Scan.
func (tx *Tx) QueryRow(ctx context.Context, q *Query, args ...any) Row {
	if err := tx.ask(q); err != nil {
		return failedRow{err}
	}
	if tx.c.pg != nil {
		return pgRow{tx.c.pg, ctx, q, args}
	}
	st, err := tx.c.stmt(ctx, q)
	if err != nil {
		return failedRow{err}
	}
	return st.QueryRowContext(ctx, args...)
}

// ask lets one query of a Glance pass.
func (tx *Tx) ask(q *Query) error {
	if tx.single && tx.asked {
		return fmt.Errorf("store: %s: a glance is one query", q.name)
	}
	tx.asked = true
	return nil
}

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// The statements around a command among others of one transaction.
var (
	savepoint  = &Query{name: "savepoint", sqlite: "SAVEPOINT command", postgres: "SAVEPOINT command"}
	rollbackTo = &Query{name: "roll back", sqlite: "ROLLBACK TO command", postgres: "ROLLBACK TO command"}
	release    = &Query{name: "release", sqlite: "RELEASE command", postgres: "RELEASE command"}
)

// begin opens a savepoint; keep or undo ends it.
func (tx *Tx) begin(ctx context.Context) error {
	if tx.c.pg != nil {
		return tx.c.pg.begin(ctx)
	}
	return tx.c.exec(ctx, savepoint)
}

// settle waits for what Exec has put off.
func (tx *Tx) settle(ctx context.Context) error {
	if tx.c.pg != nil {
		return tx.c.pg.flush(ctx)
	}
	return nil
}

// behind says that something which an earlier command has put off still waits.
func (tx *Tx) behind() bool { return tx.c.pg != nil && tx.c.pg.behind() }

// late is the error of what a command had put off that was over already when it failed.
func (tx *Tx) late() error {
	if tx.c.pg != nil {
		return tx.c.pg.late()
	}
	return nil
}

func (tx *Tx) keep(ctx context.Context) error {
	if tx.c.pg != nil {
		return tx.c.pg.keep(ctx)
	}
	return tx.c.exec(ctx, release)
}

func (tx *Tx) undo(ctx context.Context) error {
	tx.ForgetAll()
	if tx.c.pg != nil {
		return tx.c.pg.undo(ctx)
	}
	if err := tx.c.exec(ctx, rollbackTo); err != nil {
		return err
	}
	return tx.c.exec(ctx, release)
}
