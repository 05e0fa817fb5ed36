// Package inorder does work in three stages at a time: pieces are read one after the other, prepared on every core, and applied in
// the order in which they were read. Whoever folds a log or fills an index spends most of its time on what pieces do not owe to
// each other.
package inorder

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Ahead is how many pieces may wait before each stage. Together with those in work it bounds what is in memory.
const Ahead = 4

// Run calls read, which gives pieces as it finds them, prepare for each piece, many at a time, and apply for each prepared piece, one
// at a time. It ends with the first error of any of them, after all have ended; what was applied by then stays applied. give returns
// an error when reading on is of no use. The context that read and apply get ends with Run.
func Run[T any](ctx context.Context, read func(ctx context.Context, give func(T) error) error, prepare func(T) error,
	apply func(context.Context, T) error) error {
	type piece struct {
		it    T
		ready chan error
	}
	group, ctx := errgroup.WithContext(ctx)
	order, work := make(chan piece, Ahead), make(chan piece, Ahead)
	group.Go(func() error {
		defer close(order)
		defer close(work)
		return read(ctx, func(it T) error {
			p := piece{it, make(chan error, 1)} // nobody may be there to hear
			for _, to := range [...]chan piece{order, work} {
				select {
				case to <- p:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for p := range work {
				p.ready <- prepare(p.it)
			}
			return nil
		})
	}
	group.Go(func() error {
		for p := range order {
			select {
			case err := <-p.ready:
				if err != nil {
					return err
				}
			case <-ctx.Done(): // nobody may have taken it up
				return ctx.Err()
			}
			if err := apply(ctx, p.it); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}
