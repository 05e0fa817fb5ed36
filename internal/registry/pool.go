package registry

import (
	"context"
	"crypto/rand"
	"fmt"
	"math/big"

	"tasuki/internal/event"
	"tasuki/internal/store"
)

// fromPool draws n numbers of a year's pool, and carves more out of the general block first when few are left.
//
// The pool is kept at max(3n, 100) numbers or more, so that a number says little about how many were given out. Numbers that an
// import took meanwhile are passed over.
func fromPool(ctx context.Context, tx *store.Tx, t event.Turn, rng Range, n int) ([]int64, error) {
	pool, err := readPool(ctx, tx, rng.Year)
	if err != nil {
		return nil, err
	}
	if limit := max(3*n, 100); len(pool) < limit && rng.General < rng.Last {
		first := rng.General + 1
		last := min(rng.General+int64(limit-len(pool)+n), rng.Last)
		if _, err := t.Emit(ctx, &event.Event{Kind: event.PoolCarved, Year: rng.Year, First: first, Last: last}, nil); err != nil {
			return nil, err
		}
		if pool, err = readPool(ctx, tx, rng.Year); err != nil {
			return nil, err
		}
	}
	var drawn []int64
	for len(drawn) < n && len(pool) > 0 {
		i, err := rand.Int(t.Rand(), big.NewInt(int64(len(pool))))
		if err != nil {
			return nil, fmt.Errorf("draw a number: %w", err)
		}
		num := pool[i.Int64()]
		pool[i.Int64()] = pool[len(pool)-1]
		pool = pool[:len(pool)-1]
		_, is, err := Taken(ctx, tx, format(rng.Year, num))
		if err != nil {
			return nil, err
		}
		if !is {
			drawn = append(drawn, num)
		}
	}
	if len(drawn) < n {
		return nil, fmt.Errorf("%d: %w", rng.Year, ErrRangeFull)
	}
	return drawn, nil
}

func readPool(ctx context.Context, tx *store.Tx, year int64) ([]int64, error) {
	rows, err := tx.Query(ctx, poolList, year)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var pool []int64
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		pool = append(pool, n)
	}
	return pool, rows.Err()
}
