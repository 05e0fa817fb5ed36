package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A pipe is a connection to PostgreSQL on which statements that only write wait for the next one that has to be answered. Each answer
// is a journey to the server and back, and a command that writes three leaves has a dozen statements whose answer nobody needs.
type pipe struct {
	conn     *pgx.Conn
	dial     func(context.Context) (*pgx.Conn, error)
	journeys *atomic.Int64
	prepared map[*Query]string // name on the server
	waiting  []*written
	size     int      // bytes of arguments that wait
	command  *written // the savepoint of the command that runs or ran last
	over     bool     // that command has run
	failed   *failure // first statement of the transaction that the server refused where nobody heard of it
	fresh    bool     // nothing of the transaction was answered yet: on another connection it can begin anew
}

// failure is what the server said of a statement of a command.
type failure struct {
	command *written // its savepoint
	err     error
}

// written is a statement that waits, nearly always one that only writes, and what became of it.
type written struct {
	q     *Query
	ahead *Ahead // of one that asks
	args  []any
	of    *written // the savepoint that it stands behind
	done  bool
	n     int64
	p     *pipe
	ctx   context.Context //nolint:containedctx // of the call that put it off
}

// What waits at most: an import would otherwise collect its whole batch.
const (
	mostWaiting     = 256
	mostWaitingSize = 1 << 20 // bytes
)

func newPipe(ctx context.Context, dial func(context.Context) (*pgx.Conn, error), journeys *atomic.Int64) (*pipe, error) {
	c, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	return &pipe{conn: c, dial: dial, journeys: journeys, prepared: map[*Query]string{}}, nil
}

func (p *pipe) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return p.conn.Close(ctx)
}

// text runs SQL as it is, by the simple protocol, and forgets what waits: it ends a transaction that failed, or stands outside of any.
func (p *pipe) text(ctx context.Context, sql string) error {
	p.forget()
	_, err := p.conn.PgConn().Exec(ctx, sql).ReadAll()
	return err
}

func (p *pipe) forget() {
	for _, w := range p.waiting {
		w.args, w.p = nil, nil
	}
	p.waiting, p.size = p.waiting[:0], 0
	p.command, p.over, p.failed = nil, false, nil
}

// prepare makes a query known to the server. What waits goes first: one that the server refuses spoils what stands open, which must
// be the command that asked for it and no other.
func (p *pipe) prepare(ctx context.Context, q *Query) error {
	if _, ok := p.prepared[q]; ok {
		return nil
	}
	if err := p.flush(ctx); err != nil {
		return err
	}
	err := p.know(ctx, q)
	if err != nil && p.again(ctx) {
		err = p.know(ctx, q)
	}
	return err
}

func (p *pipe) know(ctx context.Context, q *Query) error {
	if _, ok := p.prepared[q]; ok {
		return nil
	}
	name := "q" + strconv.Itoa(len(p.prepared))
	if _, err := p.conn.Prepare(ctx, name, q.postgres); err != nil {
		return fmt.Errorf("prepare %s: %w", q.name, err)
	}
	p.prepared[q] = name
	return nil
}

// again replaces a connection that was found dead (the server restarted) by a new one, once, where nothing of the transaction was
// answered yet.
func (p *pipe) again(ctx context.Context) bool {
	if !p.fresh || !p.conn.IsClosed() || ctx.Err() != nil {
		return false
	}
	p.fresh = false
	c, err := p.dial(ctx)
	if err != nil {
		return false
	}
	p.conn, p.prepared = c, map[*Query]string{}
	return true
}

// idle says that nothing is open: no transaction, no answer that nobody has read.
func (p *pipe) idle() bool {
	return !p.conn.IsClosed() && !p.conn.PgConn().IsBusy() && p.conn.PgConn().TxStatus() == 'I'
}

// start begins a transaction. The statement travels with the first one that is answered; where begin is nil, the only one is a
// transaction by itself.
func (p *pipe) start(ctx context.Context, begin *Query) error {
	p.forget()
	p.fresh = true
	if begin == nil {
		return nil
	}
	_, err := p.later(ctx, begin, nil, nil)
	return err
}

// unsent says that the server has not heard of the transaction yet.
func (p *pipe) unsent() bool {
	return len(p.waiting) > 0 && (p.waiting[0].q == beginView || p.waiting[0].q == beginUpdate)
}

// commit ends the transaction. It never travels with the beginning: were the connection found dead then, nobody could say whether the
// transaction was carried out, and it could not begin anew on another one.
func (p *pipe) commit(ctx context.Context) error {
	if p.unsent() {
		if len(p.waiting) == 1 { // nothing was asked of it
			p.forget()
			return nil
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
	}
	if _, err := p.later(ctx, commit, nil, nil); err != nil {
		return err
	}
	return p.flush(ctx)
}

func (p *pipe) rollback(ctx context.Context) error {
	if p.unsent() {
		p.forget()
		return nil
	}
	return p.text(ctx, rollback)
}

// later puts a statement off; of one that asks, ahead reads the answer.
func (p *pipe) later(ctx context.Context, q *Query, ahead *Ahead, args []any) (*written, error) {
	if err := p.prepare(ctx, q); err != nil {
		return nil, err
	}
	for i, a := range args {
		switch a := a.(type) { // the caller may use its bytes again
		case []byte:
			args[i], p.size = bytes.Clone(a), p.size+len(a)
		case string:
			p.size += len(a)
		}
	}
	w := &written{q: q, ahead: ahead, args: args, of: p.command, p: p, ctx: ctx}
	p.waiting = append(p.waiting, w)
	if len(p.waiting) >= mostWaiting || p.size >= mostWaitingSize {
		return w, p.flush(ctx)
	}
	return w, nil
}

// flush sends what waits and hears what became of it.
func (p *pipe) flush(ctx context.Context) error {
	if len(p.waiting) == 0 {
		return nil
	}
	_, res, err := p.send(ctx, nil, nil)
	if err != nil {
		return err
	}
	return res.Close()
}

// send sends what waits, and a query behind it unless that is nil. The caller reads the query's answer and closes the results.
func (p *pipe) send(ctx context.Context, q *Query, args []any) (pgx.Rows, pgx.BatchResults, error) {
	going := slices.Clone(p.waiting)
	p.waiting, p.size = p.waiting[:0], 0
	rows, res, err := p.travel(ctx, going, q, args)
	if err != nil && p.again(ctx) {
		for _, w := range going {
			if err := p.know(ctx, w.q); err != nil {
				return nil, nil, err
			}
		}
		if q != nil {
			if err := p.know(ctx, q); err != nil {
				return nil, nil, err
			}
		}
		rows, res, err = p.travel(ctx, going, q, args)
	}
	for _, w := range going {
		w.args = nil
	}
	p.fresh = false
	return rows, res, err
}

// travel is one journey to the server and back.
func (p *pipe) travel(ctx context.Context, going []*written, q *Query, args []any) (pgx.Rows, pgx.BatchResults, error) {
	p.journeys.Add(1)
	var b pgx.Batch
	for _, w := range going {
		b.Queue(p.prepared[w.q], w.args...)
	}
	if q != nil {
		b.Queue(p.prepared[q], args...)
	}
	res := p.conn.SendBatch(ctx, &b)
	for _, w := range going {
		if w.ahead != nil {
			rows, err := res.Query()
			if err == nil {
				w.ahead.take(&pgRows{rows, nil, w.q, nil})
				err = rows.Err()
			}
			if err != nil {
				_ = res.Close()
				return nil, nil, p.refused(w, err)
			}
			w.done = true
			continue
		}
		tag, err := res.Exec()
		if err != nil {
			_ = res.Close() // says the same again
			return nil, nil, p.refused(w, err)
		}
		if w.q == commit && tag.String() != "COMMIT" {
			_ = res.Close()
			return nil, nil, fmt.Errorf("%w: the server says %s", ErrAborted, tag)
		}
		w.done, w.n = true, tag.RowsAffected()
	}
	if q == nil {
		return nil, res, nil
	}
	rows, err := res.Query()
	if err != nil {
		_ = res.Close()
		return nil, nil, fmt.Errorf("%s: %w", q.name, err)
	}
	return rows, res, nil
}

func (p *pipe) query(ctx context.Context, q *Query, args []any) (Rows, error) {
	if err := p.prepare(ctx, q); err != nil {
		return nil, err
	}
	rows, res, err := p.send(ctx, q, args)
	if err != nil {
		return nil, err
	}
	return &pgRows{rows, res, q, nil}, nil
}

// refused keeps in mind whose statement the server did not carry out: another command may be running by now.
func (p *pipe) refused(w *written, err error) error {
	err = fmt.Errorf("%s: %w", w.q.name, err)
	var said *pgconn.PgError
	if p.failed == nil && errors.As(err, &said) {
		p.failed = &failure{w.of, err}
	}
	return err
}

// behind says that something waits which an earlier command has put off than the one that runs.
func (p *pipe) behind() bool {
	return slices.ContainsFunc(p.waiting, func(w *written) bool { return w.of != nil && w.of != p.command })
}

// late is the error of a statement that its command has put off, and which failed when that command was over.
func (p *pipe) late() error {
	if p.failed == nil || p.failed.command == p.command && !p.over {
		return nil
	}
	return p.failed.err
}

// begin opens a savepoint without a journey of its own.
func (p *pipe) begin(ctx context.Context) error {
	w, err := p.later(ctx, savepoint, nil, nil)
	return p.opened(w, false, err)
}

// keep ends the savepoint; that it did is heard with the next answer.
func (p *pipe) keep(ctx context.Context) error {
	_, err := p.later(ctx, release, nil, nil)
	return p.opened(p.command, true, err)
}

// opened notes where in a command the transaction is. What was sent on the way there and refused is told by late.
func (p *pipe) opened(command *written, over bool, err error) error {
	if err != nil && (p.failed == nil || command == nil) {
		return err
	}
	if !over {
		command.of = command
	}
	p.command, p.over = command, over
	return nil
}

// undo takes back everything since the savepoint of the command that failed late, or of the one that runs. What was never sent needs no
// taking back. Where the savepoint was sent and the server did not say that it stands, an earlier command's may be open still: then nothing of the
// transaction can be trusted.
func (p *pipe) undo(ctx context.Context) error {
	command := p.command
	if p.late() != nil {
		command = p.failed.command
	}
	if i := slices.Index(p.waiting, command); i >= 0 {
		p.waiting = p.waiting[:i]
		return nil
	}
	if command == nil || !command.done {
		return fmt.Errorf("%w: the command's savepoint was not reached", ErrAborted)
	}
	return p.text(ctx, rollbackTo.postgres+"; "+release.postgres)
}

// LastInsertId is not PostgreSQL's to know.
func (w *written) LastInsertId() (int64, error) {
	return 0, errors.New("store: no such thing on PostgreSQL")
}

// RowsAffected waits for the statement.
func (w *written) RowsAffected() (int64, error) {
	if !w.done && w.p != nil {
		if err := w.p.flush(w.ctx); err != nil {
			return 0, err
		}
	}
	if !w.done {
		return 0, fmt.Errorf("%s: the transaction is over", w.q.name)
	}
	return w.n, nil
}

// pgRows are the rows of the last query of a batch.
type pgRows struct {
	pgx.Rows
	batch pgx.BatchResults
	q     *Query
	err   error
}

// Columns are the names of the rows' columns.
func (r *pgRows) Columns() ([]string, error) {
	var names []string
	for _, f := range r.FieldDescriptions() {
		names = append(names, f.Name)
	}
	return names, nil
}

// Next closes the rows behind the last one, so that the connection is free for the next query.
func (r *pgRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	_ = r.Close() // Err tells
	return false
}

func (r *pgRows) Close() error {
	r.Rows.Close()
	if r.batch != nil {
		r.err = errors.Join(r.Rows.Err(), r.batch.Close())
		r.batch = nil
	}
	return r.err
}

func (r *pgRows) Err() error {
	err := r.err
	if err == nil {
		err = r.Rows.Err()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", r.q.name, err)
	}
	return nil
}

// Scan widens what has no type of its own: integers are int64 on both engines.
func (r *pgRows) Scan(dest ...any) error {
	if err := r.Rows.Scan(dest...); err != nil {
		return fmt.Errorf("%s: %w", r.q.name, err)
	}
	for _, d := range dest {
		if v, ok := d.(*any); ok {
			switch n := (*v).(type) {
			case int32:
				*v = int64(n)
			case int16:
				*v = int64(n)
			}
		}
	}
	return nil
}

// pgRow runs its query when it is scanned.
type pgRow struct {
	p    *pipe
	ctx  context.Context //nolint:containedctx // of the call that made it
	q    *Query
	args []any
}

func (r pgRow) Scan(dest ...any) error {
	rows, err := r.p.query(r.ctx, r.q, r.args)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	if err := rows.Scan(dest...); err != nil {
		return err
	}
	return rows.Close()
}
