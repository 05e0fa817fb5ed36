package store

import (
	"context"
	"fmt"
)

// A transaction that a Sequencer runs has a memory: what its commands read they need not ask again, and what they write they know.
// It is as good as the tables, for the sequencer's hook keeps every other writer out; whoever writes a row writes what is remembered
// of it, or forgets it. A command that is undone takes all of it along. A View has one as well, for all of it is of one moment. Other
// transactions remember nothing.

// Recall is what was remembered under a key. Keys are of a type of the package that uses them.
func Recall[T any](tx *Tx, key any) (value T, ok bool) {
	value, ok = tx.memory[key].(T)
	return value, ok
}

// Remember keeps a value under a key, where the transaction has a memory. What it holds may change only along with the tables.
func (tx *Tx) Remember(key, value any) {
	if tx.memory != nil {
		tx.memory[key] = value
	}
}

// Remembers says whether the transaction has a memory.
func (tx *Tx) Remembers() bool { return tx.memory != nil }

// Forget drops what was remembered under a key.
func (tx *Tx) Forget(key any) { delete(tx.memory, key) }

// ForgetAll drops whatever was remembered: for rare writes that touch rows nobody counts up.
func (tx *Tx) ForgetAll() { clear(tx.memory) }

// Ahead is a query whose answer is wanted later: on PostgreSQL it travels with the next statement that is waited for. What it reads is
// of the moment when it was asked.
type Ahead struct {
	q    *Query
	p    *pipe
	err  error
	read func(Rows) error
	done bool
}

// Ahead asks a query; read is given the rows before Wait returns. Where a connection has to be replaced it is called once more.
func (tx *Tx) Ahead(ctx context.Context, q *Query, args []any, read func(Rows) error) (*Ahead, error) {
	a := &Ahead{q: q, read: read}
	if tx.c.pg != nil {
		a.p = tx.c.pg
		_, err := tx.c.pg.later(ctx, q, a, args)
		return a, err
	}
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	a.take(rows)
	return a, nil
}

// take reads the answer.
func (a *Ahead) take(rows Rows) {
	if a.err = a.read(rows); a.err == nil {
		a.err = rows.Err()
	}
	if err := rows.Close(); a.err == nil {
		a.err = err
	}
	a.done = true
}

// Wait returns when the answer was read.
func (a *Ahead) Wait(ctx context.Context) error {
	if !a.done {
		if err := a.p.flush(ctx); err != nil {
			return err
		}
	}
	if !a.done {
		return fmt.Errorf("%s: the transaction is over", a.q.name)
	}
	return a.err
}
