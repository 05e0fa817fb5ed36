package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx", for migrations
	_ "modernc.org/sqlite"             // driver "sqlite"
)

// pool hands out connections that keep their prepared statements. database/sql's own pool would prepare a statement
// again on each connection it happens to pick and offers no place to keep them per connection.
type pool struct {
	engine   Engine
	db       *sql.DB         // SQLite
	config   *pgx.ConnConfig // PostgreSQL
	journeys *atomic.Int64   // PostgreSQL
	free     chan *conn
	durable  bool
}

// conn is one connection with its prepared statements.
type conn struct {
	*sql.Conn // SQLite
	prepared  map[*Query]*sql.Stmt

	pg *pipe // PostgreSQL
}

func (c *conn) stmt(ctx context.Context, q *Query) (*sql.Stmt, error) {
	if st, ok := c.prepared[q]; ok {
		return st, nil
	}
	st, err := c.PrepareContext(ctx, q.sqlite)
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", q.name, err)
	}
	c.prepared[q] = st
	return st, nil
}

// exec runs one of the statements that begin and end transactions on SQLite. They are prepared like every other: a read by primary
// key takes as long as compiling BEGIN and COMMIT anew.
func (c *conn) exec(ctx context.Context, q *Query) error {
	st, err := c.stmt(ctx, q)
	if err != nil {
		return err
	}
	_, err = st.ExecContext(ctx)
	return err
}

// start begins a transaction; nil begins none, for a statement that is one by itself.
func (c *conn) start(ctx context.Context, begin *Query) error {
	switch {
	case c.pg != nil:
		return c.pg.start(ctx, begin)
	case begin == nil:
		return nil
	}
	return c.exec(ctx, begin)
}

func (c *conn) commit(ctx context.Context) error {
	if c.pg != nil {
		return c.pg.commit(ctx)
	}
	return c.exec(ctx, commit)
}

func (c *conn) rollback(ctx context.Context) error {
	if c.pg != nil {
		return c.pg.rollback(ctx)
	}
	return c.text(ctx, rollback)
}

// text runs SQL that is no query of ours, outside of the prepared ones: settings, the end of a transaction that has failed.
func (c *conn) text(ctx context.Context, sql string) error {
	if c.pg != nil {
		return c.pg.text(ctx, sql)
	}
	_, err := c.ExecContext(ctx, sql)
	return err
}

// close ends the connection.
func (c *conn) close() error {
	if c.pg != nil {
		return c.pg.close()
	}
	c.release()
	return c.Close()
}

func (c *conn) release() {
	for _, st := range c.prepared {
		_ = st.Close()
	}
	clear(c.prepared)
}

func openPool(ctx context.Context, e Engine, dsn string, size int, writer bool, journeys *atomic.Int64) (*pool, error) {
	p := &pool{engine: e, free: make(chan *conn, size), durable: writer, journeys: journeys}
	if e == Postgres {
		var err error
		if p.config, err = pgx.ParseConfig(dsn); err != nil {
			return nil, err
		}
	} else {
		if writer {
			if err := createPrivate(dsn); err != nil {
				return nil, err
			}
		}
		var err error
		if p.db, err = sql.Open("sqlite", sqliteSource(dsn, writer)); err != nil {
			return nil, err
		}
		p.db.SetMaxOpenConns(size)
		p.db.SetMaxIdleConns(size)
	}
	for range size {
		p.free <- nil // opened when first wanted
	}
	c, err := p.take(ctx)
	if err != nil {
		if p.db != nil {
			_ = p.db.Close() // the error that matters is on its way
		}
		return nil, err
	}
	p.give(c)
	return p, nil
}

// createPrivate makes a file that does not exist yet, for its owner alone: SQLite would let the world read it, and gives
// the log and the index beside it the file's own mode. An existing file is not opened: closing it would drop every lock
// that this process has on it.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// sqliteSource adds the pragmas every connection needs. A commit must survive a power loss, so synchronous is FULL on
// the writer; readers cannot commit. secure_delete keeps erased text out of the file's free pages.
func sqliteSource(path string, writer bool) string {
	q := url.Values{}
	for _, p := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"temp_store(MEMORY)"} {
		q.Add("_pragma", p)
	}
	if writer {
		q.Add("_pragma", "secure_delete(ON)")
		q.Add("_pragma", "fullfsync(ON)") // macOS: its fsync leaves the bytes in the drive's cache; elsewhere no change
		q.Add("_pragma", "cache_size(-32768)")
		q.Add("_pragma", "wal_autocheckpoint(4000)") // 16 MiB: fewer, larger folds; measured in docs/performance.md
		q.Add("_pragma", "journal_size_limit(67108864)")
	} else {
		q.Add("_pragma", "query_only(1)")
		// A reader's cache holds the inner pages of the trees; the rest is in the system's. Mapping the file instead spares
		// some 20 µs per read by id, but every reader's own map counts into the resident set: 1 GB at 42,000 records.
		q.Add("_pragma", "cache_size(-8192)")
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}
	return u.String()
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	var c *conn
	var ok bool
	select {
	case c, ok = <-p.free:
		if !ok {
			return nil, ErrClosed
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c != nil {
		return c, nil
	}
	c, err := p.connect(ctx)
	if err != nil {
		p.free <- nil
		return nil, err
	}
	if err := p.assertDurable(ctx, c); err != nil {
		p.drop(c)
		return nil, err
	}
	return c, nil
}

func (p *pool) connect(ctx context.Context) (*conn, error) {
	if p.engine == Postgres {
		pg, err := newPipe(ctx, p.dial, p.journeys)
		if err != nil {
			return nil, err
		}
		return &conn{pg: pg}, nil
	}
	raw, err := p.db.Conn(ctx)
	return &conn{Conn: raw, prepared: map[*Query]*sql.Stmt{}}, err
}

// dial opens a connection to PostgreSQL, with its settings.
func (p *pool) dial(ctx context.Context) (*pgx.Conn, error) {
	c, err := pgx.ConnectConfig(ctx, p.config)
	if err != nil || !p.durable {
		return c, err
	}
	var mode string
	if err = c.QueryRow(ctx, "SHOW synchronous_commit").Scan(&mode); err == nil {
		switch mode { // local would forget the standby that stands in after a failure
		case "on", "remote_apply", "remote_write":
			_, err = c.PgConn().Exec(ctx, writerLimits).ReadAll()
		default:
			err = fmt.Errorf("%w: synchronous_commit is %s", ErrNotDurable, mode)
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.Close(ctx))
	}
	return c, nil
}

// writerLimits keep one node from stopping a cluster: a frozen node that holds the head's row loses its transaction,
// and whoever waits for a lock hears of it. What works for minutes in one transaction (replay) is active, not idle.
const writerLimits = "SET idle_in_transaction_session_timeout = '60s'; SET lock_timeout = '30s'"

// assertDurable refuses a committing connection whose commits a power loss could undo; dial does so for PostgreSQL.
func (p *pool) assertDurable(ctx context.Context, c *conn) error {
	if !p.durable || p.engine == Postgres {
		return nil
	}
	var mode int
	if err := c.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&mode); err != nil {
		return err
	}
	if mode != 2 {
		return fmt.Errorf("%w: synchronous is %d, not FULL", ErrNotDurable, mode)
	}
	return nil
}

func (p *pool) give(c *conn) { p.free <- c }

// drop closes a connection that may be broken; the next taker opens a fresh one. Closing alone would give it back to
// database/sql, which hands it out again, with a transaction that may still be open: one caller who went away at the wrong
// moment would spoil it for all who come after.
func (p *pool) drop(c *conn) {
	if c.Conn != nil {
		c.release() // before the connection is gone
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
	_ = c.close()
	p.free <- nil
}

func (p *pool) close() error {
	var errs []error
	for range cap(p.free) {
		if c := <-p.free; c != nil {
			errs = append(errs, c.close())
		}
	}
	close(p.free)
	if p.db != nil {
		errs = append(errs, p.db.Close())
	}
	return errors.Join(errs...)
}

// checkpoint folds SQLite's write-ahead log into the main file, so that a closed store is one file.
func (p *pool) checkpoint() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if c, err := p.take(ctx); err == nil {
		_, _ = c.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		p.give(c)
	}
}

// tx runs fn between begin and COMMIT on one connection; where begin is nil, fn asks one query at most and there is no more to it. A
// connection that cannot begin (the server went away) is replaced once; after anything of fn was answered nothing is ever repeated.
func (p *pool) tx(ctx context.Context, begin *Query, fn func(*Tx) error) error {
	c, err := p.begin(ctx, begin)
	if err != nil {
		return err
	}
	done := false
	defer func() {
		if !done { // fn panicked
			p.rollback(c, begin)
		}
	}()
	tx := &Tx{c: c, engine: p.engine, single: begin == nil}
	if begin == beginView {
		tx.memory = map[any]any{}
	}
	if err := fn(tx); err != nil {
		done = true
		p.rollback(c, begin)
		return err
	}
	done = true
	switch {
	case begin == nil:
		p.giveIdle(c)
		return nil
	case begin == beginView && c.pg != nil && len(c.pg.waiting) == 0:
		// Nothing depends on how a transaction ends that only asked; the next taker of this connection waits for it.
		go p.endView(c)
		return nil
	}
	// A cancelled context must not stop a commit half way: its outcome would be unknown to the caller.
	if err := c.commit(context.WithoutCancel(ctx)); err != nil {
		p.rollback(c, begin)
		return fmt.Errorf("commit: %w", err)
	}
	p.give(c)
	return nil
}

func (p *pool) endView(c *conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.commit(ctx); err != nil {
		p.drop(c)
		return
	}
	p.give(c)
}

// giveIdle gives back a connection on which no transaction was begun, unless an answer is still on its way there.
func (p *pool) giveIdle(c *conn) {
	if c.pg != nil && !c.pg.idle() {
		p.drop(c)
		return
	}
	p.give(c)
}

func (p *pool) begin(ctx context.Context, begin *Query) (*conn, error) {
	for try := 0; ; try++ {
		c, err := p.take(ctx)
		if err != nil {
			return nil, err
		}
		if err = c.start(ctx, begin); err == nil {
			return c, nil
		}
		p.drop(c)
		if try == 1 || ctx.Err() != nil {
			return nil, fmt.Errorf("begin: %w", err)
		}
	}
}

const rollback = "ROLLBACK"

func (p *pool) rollback(c *conn, begin *Query) {
	if begin == nil {
		p.giveIdle(c)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.rollback(ctx); err != nil {
		// SQLite rolls back by itself on a full disk and then has no transaction to end; in every such case a fresh
		// connection is the certain way to leave nothing behind.
		p.drop(c)
		return
	}
	p.give(c)
}

func redact(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return "postgres"
	}
	return u.Redacted()
}
