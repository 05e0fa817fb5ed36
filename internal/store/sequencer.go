package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Sequencer groups waiting commands into one transaction, a savepoint each, a private outcome each, so that one
// fsync serves many writers. S is state that lives as long as the transaction (the log's head): a command that fails
// has its changes to S undone with its changes to the tables.
type Sequencer[S any] struct {
	db    *DB
	hooks Hooks[S]

	mu          sync.Mutex
	interactive []*command[S]
	bulk        []*command[S]
	wake        chan struct{}
	closed      bool
	done        chan struct{}

	bulkLast bool // the group before began with a bulk command; the loop's own
}

// Hooks connect a Sequencer to what its transactions are about.
type Hooks[S any] struct {
	Begin func(ctx context.Context, tx *Tx) (S, error)     // first in every transaction: lock every other writer out, load
	Clone func(S) S                                        // an independent copy
	End   func(ctx context.Context, tx *Tx, state S) error // last before the commit: save
	Done  func(state S)                                    // after a commit that is on disk
}

type command[S any] struct {
	ctx context.Context
	run func(ctx context.Context, tx *Tx, state *S) error
	err chan error
}

// groupTime bounds how long a transaction goes on taking interactive commands, so that the first of a group does not
// wait long for the last.
const groupTime = 15 * time.Millisecond

// NewSequencer starts a sequencer on db. Close stops it.
func NewSequencer[S any](db *DB, hooks Hooks[S]) *Sequencer[S] {
	s := &Sequencer[S]{db: db, hooks: hooks, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.loop()
	return s
}

// Do runs one interactive command and returns after its transaction is on disk, or with the reason why it is not. A
// command that has begun is finished even when ctx ends; the context handed to run carries ctx's values only. Where a
// write of the command before it fails late, run is called once more: what it tells its caller it sets, and does not add.
func (s *Sequencer[S]) Do(ctx context.Context, run func(ctx context.Context, tx *Tx, state *S) error) error {
	return s.submit(ctx, &s.interactive, run)
}

// Bulk is Do for work that gives way to interactive commands: at most one bulk command runs in a transaction, first. Its
// caller sizes it by time (tens of milliseconds).
func (s *Sequencer[S]) Bulk(ctx context.Context, run func(ctx context.Context, tx *Tx, state *S) error) error {
	return s.submit(ctx, &s.bulk, run)
}

func (s *Sequencer[S]) submit(ctx context.Context, queue *[]*command[S], run func(context.Context, *Tx, *S) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := &command[S]{ctx: ctx, run: run, err: make(chan error, 1)}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	*queue = append(*queue, c)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	// Once queued a command is waited for even when ctx ends: it may be committed already, and "cancelled" would lie.
	// The loop drops commands whose context ended before they began.
	return <-c.err
}

// Close finishes what is queued and stops.
func (s *Sequencer[S]) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	<-s.done
}

func (s *Sequencer[S]) loop() {
	defer close(s.done)
	for {
		s.mu.Lock()
		idle := len(s.interactive)+len(s.bulk) == 0
		closed := s.closed
		s.mu.Unlock()
		switch {
		case !idle:
			s.group()
		case closed:
			return
		default:
			<-s.wake
		}
	}
}

// next takes the next command that is still wanted. A bulk command only ever begins a group: interactive ones that arrive
// while it runs join it, and those that wait when a group begins do not have to sit through it. When both wait, groups of
// either kind take turns, so that neither keeps the other out.
func (s *Sequencer[S]) next(started time.Time, n int) (_ *command[S], bulk bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		var c *command[S]
		switch {
		case n == 0 && len(s.bulk) > 0 && (len(s.interactive) == 0 || !s.bulkLast):
			c, s.bulk = s.bulk[0], s.bulk[1:]
			bulk = true
		case len(s.interactive) > 0 && n < 512 && (n == 0 || time.Since(started) < groupTime):
			c, s.interactive = s.interactive[0], s.interactive[1:]
			bulk = false
		default:
			return nil, false
		}
		if err := c.ctx.Err(); err != nil {
			c.err <- err
			continue
		}
		return c, bulk
	}
}

// ran is a command of the running group and what became of it.
type ran[S any] struct {
	c      *command[S]
	before S // the state that it began with
	err    error
}

// group runs one transaction. Commands hear their outcome only after the commit: nobody is told of a write that a
// crash could still undo.
//
// A command's last writes may wait until its successor asks something, or has run. Should they fail then, the command that put them off is undone,
// and its successor, which has learnt nothing yet, runs again.
func (s *Sequencer[S]) group() {
	var all []ran[S]
	var final S
	ctx := context.Background()
	err := s.db.Update(ctx, func(tx *Tx) error {
		tx.memory = map[any]any{}
		state, err := s.hooks.Begin(ctx, tx)
		if err != nil {
			return err
		}
		started := time.Now()
		c, bulk := s.next(started, 0)
		if c != nil {
			s.bulkLast = bulk
		}
		for c != nil {
			all = append(all, ran[S]{c: c})
			if err := s.take(ctx, tx, all, &state); err != nil {
				return err
			}
			if bulk {
				started = time.Now() // the group's own time begins with those who waited for it
			}
			c, bulk = s.next(started, len(all))
		}
		if len(all) > 1 { // of a command alone the commit tells
			_ = tx.settle(ctx) // the next line tells
			if _, err := s.late(ctx, tx, all, &state); err != nil {
				return err
			}
		}
		if !slices.ContainsFunc(all, func(r ran[S]) bool { return r.err == nil }) {
			return errNothing
		}
		final = state
		return s.hooks.End(ctx, tx, state)
	})
	if err == errNothing { //nolint:errorlint // our own sentinel, returned unwrapped
		err = nil
	} else if err == nil {
		s.hooks.Done(final)
	}
	if err != nil && len(all) == 0 {
		// The transaction never began: fail whoever waits, or they would wait for ever.
		s.mu.Lock()
		waiting := append(s.interactive, s.bulk...)
		s.interactive, s.bulk = nil, nil
		s.mu.Unlock()
		for _, c := range waiting {
			c.err <- err
		}
	}
	for _, r := range all {
		if r.err == nil {
			r.err = err
		}
		r.c.err <- r.err
	}
}

// take runs the newest command, and leaves of the ones before it nothing open. It returns an error that ends the transaction.
func (s *Sequencer[S]) take(ctx context.Context, tx *Tx, all []ran[S], state *S) error {
	this := &all[len(all)-1]
	for {
		this.before = s.hooks.Clone(*state)
		if err := tx.begin(ctx); err != nil {
			return err
		}
		this.err = s.protect(this.c, tx, state)
		if tx.behind() {
			_ = tx.settle(ctx) // the next line tells
		}
		again, err := s.late(ctx, tx, all[:len(all)-1], state)
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	if this.err == nil {
		return tx.keep(ctx)
	}
	*state = this.before
	if err := tx.undo(ctx); err != nil {
		return fmt.Errorf("%w (after %w)", err, this.err)
	}
	return nil
}

// late undoes the last of these commands where a write that it had put off has failed since, and says so. Its own error ends the transaction.
func (s *Sequencer[S]) late(ctx context.Context, tx *Tx, all []ran[S], state *S) (bool, error) {
	reason := tx.late()
	if reason == nil {
		return false, nil
	}
	if len(all) == 0 || all[len(all)-1].err != nil {
		return false, reason // nobody's
	}
	last := &all[len(all)-1]
	last.err = reason
	*state = last.before
	if err := tx.undo(ctx); err != nil {
		return false, fmt.Errorf("%w (after %w)", err, reason)
	}
	return true, nil
}

// errNothing ends a transaction in which every command was refused: there is nothing to make durable.
var errNothing = fmt.Errorf("store: nothing to commit")

// protect turns a command's panic into its error: one bad command must not take down the others of its group.
func (s *Sequencer[S]) protect(c *command[S], tx *Tx, state *S) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("store: command panicked: %v", p)
		}
	}()
	// A statement that is cancelled while it runs costs more than itself: SQLite rolls the whole transaction back, pgx
	// closes the connection. The caller waits for the outcome in any case.
	return c.run(context.WithoutCancel(c.ctx), tx, state)
}
