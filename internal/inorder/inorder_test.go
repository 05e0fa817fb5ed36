package inorder_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tasuki/internal/inorder"
)

type piece struct{ n, squared int }

func upTo(count int) func(context.Context, func(*piece) error) error {
	return func(_ context.Context, give func(*piece) error) error {
		for n := range count {
			if err := give(&piece{n: n}); err != nil {
				return err
			}
		}
		return nil
	}
}

// Whatever takes longest to prepare, pieces are applied as they were read, each prepared; and preparing goes on side by side.
func TestOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const count = 200
		var at, most atomic.Int64
		next := 0
		err := inorder.Run(t.Context(), upTo(count), func(p *piece) error {
			n := at.Add(1)
			defer at.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Duration(p.n*7919%13) * time.Millisecond)
			p.squared = p.n * p.n
			return nil
		}, func(_ context.Context, p *piece) error {
			if p.n != next || p.squared != next*next {
				t.Errorf("%+v came, want %d", *p, next)
			}
			next++
			return nil
		})
		if err != nil || next != count {
			t.Errorf("%d pieces were applied: %v", next, err)
		}
		if want := int64(runtime.GOMAXPROCS(0)); most.Load() != want {
			t.Errorf("at most %d were prepared at a time, want %d", most.Load(), want)
		}
	})
}

// The first error of any stage, or the end of the context, is the end of all: nothing after it is applied, and nobody goes on.
func TestEnds(t *testing.T) {
	broken := errors.New("broken")
	for name, stage := range map[string]int{"read": 0, "prepare": 1, "apply": 2, "context": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // which fails if anything is left behind
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				applied, want := 0, broken
				err := inorder.Run(ctx, func(ctx context.Context, give func(*piece) error) error {
					if stage == 0 {
						if err := upTo(50)(ctx, give); err != nil {
							return err
						}
						return broken
					}
					return upTo(1_000_000_000)(ctx, give)
				}, func(p *piece) error {
					if stage == 1 && p.n == 50 {
						return broken
					}
					return nil
				}, func(_ context.Context, p *piece) error {
					switch {
					case stage == 2 && p.n == 50:
						return broken
					case stage == 3 && p.n == 50:
						cancel()
						want = context.Canceled
					}
					applied++
					return nil
				})
				if !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
				if stage != 3 && applied > 50 || stage == 2 && applied != 50 || stage == 1 && applied != 50 {
					t.Errorf("%d pieces were applied", applied)
				}
			})
		})
	}
}
