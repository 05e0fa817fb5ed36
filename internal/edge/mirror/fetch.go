package mirror

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/spec/c2sp"
)

// Back-pressure (continuity D.1): so many bundles may be on their way, and so many bytes of bodies. Of a bundle that is larger alone, nothing else is.
const (
	inFlight = 8
	inBuffer = 64 << 20
)

// coming is a bundle on its way.
type coming struct {
	from, to int64
	weighed  chan struct{} // closed when its share of the buffer is taken, or never will be
	weight   int64
	ready    chan error // the leaves may be there beside an error
	leaves   []*gate.Inspected
}

// fetch brings in the leaves of a step, a bundle in a transaction: what is stored is whole and proven whenever this stops, and the next fetch goes on there.
// Bundles are fetched and inspected beside each other and taken in in order. Its error is *Withheld, *event.Violation, or why the peer was of no use;
// what stands before the leaf in question is stored.
func (f *Follower) fetch(ctx context.Context, t *tree, step continuity.Step) error {
	if step.From.Size >= step.To.Size {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	flight, buffer := semaphore.NewWeighted(inFlight), semaphore.NewWeighted(inBuffer)
	order := make(chan *coming, inFlight)
	group.Go(func() error {
		defer close(order)
		var fetching sync.WaitGroup
		defer fetching.Wait()
		before := make(chan struct{})
		close(before)
		for from := step.From.Size; from < step.To.Size; {
			if err := flight.Acquire(ctx, 1); err != nil {
				return err
			}
			c := &coming{from: from, to: min(step.To.Size, (from/c2sp.Width+1)*c2sp.Width), weighed: make(chan struct{}), ready: make(chan error, 1)}
			waiting := before
			fetching.Go(func() { c.ready <- f.bring(ctx, t, step.From.Size, c, waiting, buffer) })
			order <- c // has room for all in flight
			before, from = c.weighed, c.to
		}
		return nil
	})
	group.Go(func() error {
		for c := range order {
			err := <-c.ready
			if len(c.leaves) > 0 {
				if terr := f.take(ctx, c, step.To); terr != nil {
					err = terr
				}
			}
			buffer.Release(c.weight)
			flight.Release(1)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// bring fetches a bundle, proves its leaves and inspects them. Shares of the buffer are taken in the order of the bundles: else a later one could keep the
// one out that everybody waits for.
func (f *Follower) bring(ctx context.Context, t *tree, first int64, c *coming, before <-chan struct{}, buffer *semaphore.Weighted) error {
	leaves, err := t.leaves(ctx, c.from, c.to)
	if err != nil {
		close(c.weighed)
		return err
	}
	p := weigh(c.from, leaves)
	select {
	case <-before:
	case <-ctx.Done():
		close(c.weighed)
		return ctx.Err()
	}
	weight := min(p.weight, inBuffer)
	err = buffer.Acquire(ctx, weight)
	if err == nil {
		c.weight = weight
	}
	close(c.weighed)
	if err != nil {
		return err
	}
	c.leaves, err = f.inspect(ctx, t, p, func(ctx context.Context, leaf int64) (bool, error) { return f.named(ctx, t, first, leaf) })
	return err
}

// take stores a bundle. Where a leaf breaks a rule, what stands before it is stored all the same.
func (f *Follower) take(ctx context.Context, c *coming, to continuity.Tree) error {
	err := f.o.Store.Follow(ctx, c.leaves, to)
	if v := violation(err); v != nil && v.Leaf > c.from && v.Leaf < c.from+int64(len(c.leaves)) {
		if perr := f.o.Store.Follow(ctx, c.leaves[:v.Leaf-c.from], to); perr != nil {
			return perr
		}
	}
	if err != nil {
		return err
	}
	scrub := false
	for _, i := range c.leaves {
		scrub = scrub || i.Entry().Kind == event.BodyErased
	}
	f.change(func(s *State) { s.Size = c.from + int64(len(c.leaves)) })
	if scrub {
		return f.o.Store.Scrub(ctx)
	}
	return nil
}

// violation is the broken rule that an error is about, nil for other errors.
func violation(err error) *event.Violation {
	var v *event.Violation
	if errors.As(err, &v) {
		return v
	}
	return nil
}
