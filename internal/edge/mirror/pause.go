package mirror

import (
	"context"
	"errors"
	"time"
)

// backoff is how long to wait after something failed: twice as long each time, with jitter, so that those who follow one server do not come back together.
type backoff struct {
	least, most time.Duration
	rand        func() float64
	next        time.Duration
}

func (b *backoff) reset() { b.next = 0 }

// step is how long to wait now: as long as a server asked for where that is longer.
func (b *backoff) step(err error) time.Duration {
	b.next = max(b.least, min(2*b.next, b.most))
	d := b.next/2 + time.Duration(b.rand()*float64(b.next)/2)
	if busy := new(Busy); errors.As(err, &busy) {
		d = max(d, busy.After)
	}
	return d
}

// sleep waits for d, or less when ctx ends; then its error says so.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
