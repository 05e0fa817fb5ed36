package store

import "context"

// Question is a query whose answer a transaction with a memory remembers under a key. Whoever changes what it asks about tells Answer, or
// forgets the key.
type Question[T any] struct {
	Key   any // of a type of the package that asks
	Query *Query
	Args  []any
	Read  func(Rows) (T, error) // of all rows, or of none
}

type answer[T any] struct {
	ahead *Ahead // nil when the value is there
	value T
}

func (a *answer[T]) get(ctx context.Context) (T, error) {
	if a.ahead != nil {
		if err := a.ahead.Wait(ctx); err != nil {
			var none T
			return none, err
		}
		a.ahead = nil
	}
	return a.value, nil
}

// Foresee lets the question travel with the next query, for whoever will Ask it. Where the transaction has no memory it does nothing.
func (x Question[T]) Foresee(ctx context.Context, tx *Tx) error {
	if _, ok := tx.memory[x.Key]; ok || tx.memory == nil {
		return nil
	}
	a := &answer[T]{}
	var err error
	a.ahead, err = tx.Ahead(ctx, x.Query, x.Args, func(rows Rows) (err error) {
		a.value, err = x.Read(rows)
		return err
	})
	if err == nil {
		tx.memory[x.Key] = a
	}
	return err
}

// Ask answers the question, from memory where it can.
func (x Question[T]) Ask(ctx context.Context, tx *Tx) (T, error) {
	value, ok, err := Known[T](ctx, tx, x.Key)
	if ok || err != nil {
		return value, err
	}
	rows, err := tx.Query(ctx, x.Query, x.Args...)
	if err != nil {
		return value, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	if value, err = x.Read(rows); err == nil {
		err = rows.Err()
	}
	if err == nil {
		Answer(tx, x.Key, value)
	}
	return value, err
}

// Known is the answer that the transaction remembers, if it does.
func Known[T any](ctx context.Context, tx *Tx, key any) (value T, ok bool, err error) {
	a, ok := Recall[*answer[T]](tx, key)
	if !ok {
		return value, false, nil
	}
	value, err = a.get(ctx)
	return value, err == nil, err
}

// Answer is what the question of a key would be answered from now on.
func Answer[T any](tx *Tx, key any, value T) {
	tx.Remember(key, &answer[T]{value: value})
}
