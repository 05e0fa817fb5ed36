package registry

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// fromPool draws n numbers of a year's pool, and carves more out of the general block first when few are left.
//
// The pool is kept at max(3n, 100) numbers or more, so that a number says little about how many were given out. Numbers that an
// import took meanwhile are passed over.
func fromPool(ctx context.Context, tx *store.Tx, t event.Turn, rng Range, n int) ([]int64, error) {
	pool, err := poolOf(rng.Year).Ask(ctx, tx)
	if err != nil {
		return nil, err
	}
	if limit := max(3*n, 100); len(pool) < limit && rng.General < rng.Last {
		first := rng.General + 1
		last := min(rng.General+int64(limit-len(pool)+n), rng.Last)
		if _, err := t.Emit(ctx, &event.Event{Kind: event.PoolCarved, Year: rng.Year, First: first, Last: last}, nil); err != nil {
			return nil, err
		}
		if pool, err = poolOf(rng.Year).Ask(ctx, tx); err != nil {
			return nil, err
		}
	}
	pool = slices.Clone(pool)
	var drawn []int64
	for len(drawn) < n && len(pool) > 0 {
		var candidates []int64
		for range min(n-len(drawn), len(pool)) {
			i, err := rand.Int(t.Rand(), big.NewInt(int64(len(pool))))
			if err != nil {
				return nil, fmt.Errorf("draw a number: %w", err)
			}
			num := pool[i.Int64()]
			pool[i.Int64()] = pool[len(pool)-1]
			pool = pool[:len(pool)-1]
			id := format(rng.Year, num)
			if err := errors.Join(t.Foresee(ctx, event.IDReserved, id, id), Foresee(ctx, tx, id, false)); err != nil {
				return nil, err
			}
			candidates = append(candidates, num)
		}
		for _, num := range candidates {
			_, is, err := Taken(ctx, tx, format(rng.Year, num))
			if err != nil {
				return nil, err
			}
			if !is {
				drawn = append(drawn, num)
			}
		}
	}
	if len(drawn) < n {
		return nil, fmt.Errorf("%d: %w", rng.Year, ErrRangeFull)
	}
	return drawn, nil
}

// poolOf are the numbers of a year's pool, in their order.
func poolOf(year int64) store.Question[[]int64] {
	return store.Question[[]int64]{Key: poolKey(year), Query: poolList, Args: []any{year}, Read: func(rows store.Rows) (pool []int64, err error) {
		for rows.Next() {
			var n int64
			if err := rows.Scan(&n); err != nil {
				return nil, err
			}
			pool = append(pool, n)
		}
		return pool, nil
	}}
}

// poolWith keeps what is remembered of a pool in step with numbers that go into it.
func poolWith(ctx context.Context, tx *store.Tx, year, first, last int64) error {
	pool, ok, err := store.Known[[]int64](ctx, tx, poolKey(year))
	switch {
	case err != nil || !ok:
		return err
	case len(pool) > 0 && pool[len(pool)-1] >= first:
		tx.Forget(poolKey(year)) // some may be there already
		return nil
	}
	pool = slices.Clone(pool)
	for n := first; n <= last; n++ {
		pool = append(pool, n)
	}
	store.Answer(tx, poolKey(year), pool)
	return nil
}

// poolWithout keeps it in step with a number that was given out.
func poolWithout(ctx context.Context, tx *store.Tx, year, num int64) error {
	pool, ok, err := store.Known[[]int64](ctx, tx, poolKey(year))
	if i, found := slices.BinarySearch(pool, num); ok && found {
		store.Answer(tx, poolKey(year), slices.Delete(slices.Clone(pool), i, i+1))
	}
	return err
}
