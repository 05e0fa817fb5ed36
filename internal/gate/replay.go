package gate

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"tasuki/internal/event"
	"tasuki/internal/inorder"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// ErrDiffers means that folding the log again gave other rows than the live tables held: a fold lied, or somebody
// changed a derived table.
var ErrDiffers = errors.New("gate: replay gives other tables")

// Replayed compares one projection's tables before and after.
type Replayed struct {
	Projection    string
	Before, After [32]byte
}

// Same says whether the tables were what the log says.
func (r Replayed) Same() bool { return r.Before == r.After }

// Replay folds the log again and compares: ErrDiffers says that the result is other than the live tables. With repair the
// live tables are dropped and folded anew, in one transaction that lets no command in; without, they stay as they are, and
// a gate with a Scratch goes on taking commands meanwhile. progress may be nil.
func (g *Gate) Replay(ctx context.Context, repair bool, progress func(done, total int64)) ([]Replayed, error) {
	if !repair && g.Scratch != nil {
		return g.compare(ctx, progress)
	}
	var out []Replayed
	err := g.DB.Update(ctx, func(tx *store.Tx) error {
		head, err := g.Log.Lock(ctx, tx)
		if err != nil {
			return err
		}
		if out, err = g.digests(ctx, tx, true); err != nil {
			return err
		}
		for _, p := range g.Projections {
			if err := p.Reset(ctx, tx); err != nil {
				return fmt.Errorf("reset %s: %w", p.Name(), err)
			}
		}
		// The log's tables do not change here: a snapshot of their own lets reading and folding go on side by side.
		read := func(ctx context.Context, fn func(*store.Tx) error) error { return g.DB.View(ctx, fn) }
		if err := g.refold(ctx, read, tx, event.Reader{Log: g.Log, Tx: tx}, head.Size, progress); err != nil {
			return err
		}
		same, err := g.after(ctx, tx, out)
		if err == nil && !same && !repair {
			err = ErrDiffers
		}
		return err
	})
	return out, err
}

// compare folds the log into a scratch store. Log and live tables are read in one snapshot, so that commands which are
// carried out meanwhile make no difference.
func (g *Gate) compare(ctx context.Context, progress func(done, total int64)) ([]Replayed, error) {
	scratch, discard, err := g.Scratch(ctx)
	if err != nil {
		return nil, fmt.Errorf("scratch store: %w", err)
	}
	defer discard()
	var out []Replayed
	err = g.DB.View(ctx, func(live *store.Tx) error {
		head, err := g.Log.Head(ctx, live)
		if err != nil {
			return err
		}
		if out, err = g.digests(ctx, live, true); err != nil {
			return err
		}
		same := false
		err = scratch.Update(ctx, func(tx *store.Tx) error {
			read := func(_ context.Context, fn func(*store.Tx) error) error { return fn(live) }
			if err := g.refold(ctx, read, tx, event.Reader{Log: g.Log, Tx: live, Turn: &sync.Mutex{}}, head.Size, progress); err != nil {
				return err
			}
			if same, err = g.after(ctx, tx, out); err != nil {
				return err
			}
			return errCompared
		})
		switch {
		case !errors.Is(err, errCompared):
			return err
		case !same:
			return ErrDiffers
		}
		return nil
	})
	return out, err
}

// errCompared ends the transaction of a scratch store: nobody wants it on disk.
var errCompared = errors.New("gate: compared")

// after completes the comparison with the digests of the tables as they were folded, and says whether they are the same.
func (g *Gate) after(ctx context.Context, tx *store.Tx, out []Replayed) (bool, error) {
	after, err := g.digests(ctx, tx, false)
	if err != nil {
		return false, err
	}
	same := true
	for i := range out {
		out[i].After = after[i].Before
		same = same && out[i].Same()
	}
	return same, nil
}

// digests are those of every projection's tables. Tables that cannot even be read are damaged, which is no reason not to
// mend them: with damaged, they count as a digest of zeros, which no tables have.
func (g *Gate) digests(ctx context.Context, tx *store.Tx, damaged bool) ([]Replayed, error) {
	var out []Replayed
	for _, p := range g.Projections {
		d, err := p.Digest(ctx, tx)
		if damaged && err != nil && ctx.Err() == nil {
			g.Logger.WarnContext(ctx, "derived tables cannot be read", "projection", p.Name(), "err", err)
			d, err = [32]byte{}, nil
		}
		if err != nil {
			return nil, fmt.Errorf("digest %s: %w", p.Name(), err)
		}
		out = append(out, Replayed{Projection: p.Name(), Before: d})
	}
	return out, nil
}

// private is what stands behind a commitment, nil where there is none, or not here, or not any more.
func (g *Gate) private(ctx context.Context, tx *store.Tx, e *event.Entry) ([]byte, error) {
	if e.Kind != event.PrivateFact {
		return nil, nil
	}
	p, err := g.Log.Private(ctx, tx, e.Index)
	if errors.Is(err, ledger.ErrNotFound) {
		return nil, nil
	}
	return p.Body, err
}

// refoldChunk is how many leaves travel together from reading to folding: large enough to keep the cores busy, small
// enough that a few chunks of large records fit in memory.
const refoldChunk = 128

// refold reads leaves in the snapshot that read gives, prepares them on every core and folds them in order. before is what folds
// read earlier leaves with; where it reads the same snapshot, reading ahead and folding take turns.
func (g *Gate) refold(ctx context.Context, read func(context.Context, func(*store.Tx) error) error, tx *store.Tx, before event.Reader, size int64,
	progress func(done, total int64)) error {
	chunk := make([]*event.Entry, 0, refoldChunk)
	tx.HoldBack()
	err := inorder.Run(ctx, func(ctx context.Context, give func([]*event.Entry) error) error {
		send := func() error {
			full := chunk
			chunk = make([]*event.Entry, 0, refoldChunk)
			return give(full)
		}
		err := read(ctx, func(view *store.Tx) error {
			if before.Turn != nil {
				before.Turn.Lock()
				defer before.Turn.Unlock()
			}
			return g.Log.Scan(ctx, view, 0, func(index int64, leaf []byte, body *ledger.Body) error {
				e, err := event.Open(index, leaf, body)
				if err != nil && !errors.Is(err, event.ErrUnknown) {
					return err
				}
				if err == nil {
					if e.Private, err = g.private(ctx, view, e); err != nil {
						return err
					}
					e.Before = before
					chunk = append(chunk, e)
				}
				if len(chunk) < refoldChunk {
					return nil
				}
				if before.Turn != nil {
					before.Turn.Unlock()
					defer before.Turn.Lock()
				}
				return send()
			})
		})
		if err == nil && len(chunk) > 0 {
			err = send()
		}
		return err
	}, func(chunk []*event.Entry) (err error) {
		for _, e := range chunk {
			if e.Doc != nil {
				err = errors.Join(err, g.Prepare(e.Kind, e.Doc))
				e.Doc.Trim()
			}
		}
		return err
	}, func(ctx context.Context, chunk []*event.Entry) error {
		for _, e := range chunk {
			if err := g.fold(ctx, tx, e); err != nil {
				return err
			}
		}
		if progress != nil {
			progress(chunk[len(chunk)-1].Index+1, size)
		}
		return tx.Settle(ctx, false)
	})
	if err != nil {
		return err
	}
	return tx.Settle(ctx, true)
}
