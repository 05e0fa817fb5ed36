package gate

import (
	"context"
	"errors"
	"fmt"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// ErrForeign means a leaf that cannot stand where it was offered: another list's, out of order, or not what its own
// stamp says.
var ErrForeign = errors.New("gate: the leaf does not belong here")

// Stored is a leaf as another copy of the log holds it.
type Stored struct {
	Index   int64
	Leaf    []byte
	Body    *ledger.Body    // nil when there is none or it was erased
	Private *ledger.Private // of a committed event, where this copy may hold it
}

// Apply appends leaves that were decided elsewhere and folds them: the way in for mirrors and restore. Nothing is
// decided here, but nothing is believed either: position, list, stamps, body hashes and commitments are checked.
func (g *Gate) Apply(ctx context.Context, leaves []Stored) error {
	return g.seq.Bulk(ctx, func(ctx context.Context, tx *store.Tx, head *ledger.Head) error {
		for _, s := range leaves {
			if err := g.apply(ctx, tx, head, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (g *Gate) apply(ctx context.Context, tx *store.Tx, head *ledger.Head, s Stored) error {
	if s.Index != head.Size {
		return fmt.Errorf("%w: leaf %d offered where leaf %d comes next", ErrForeign, s.Index, head.Size)
	}
	e, err := event.Open(s.Index, s.Leaf, s.Body)
	if err != nil {
		return err
	}
	if e.List != g.List {
		return fmt.Errorf("%w: leaf %d is of list %s", ErrForeign, s.Index, e.List)
	}
	subject := e.Subject()
	back := int64(-1)
	if subject != "" {
		if back, err = g.Log.Last(ctx, tx, subject); err != nil {
			return err
		}
	}
	if back != e.Back {
		return fmt.Errorf("%w: leaf %d says its predecessor is %d, it is %d", ErrForeign, s.Index, e.Back, back)
	}
	if s.Body != nil {
		if e.Body == nil || e.Body.H != s.Body.Hash || e.Body.N != s.Body.N {
			return fmt.Errorf("%w: leaf %d: body", ErrForeign, s.Index)
		}
		if err := s.Body.Check(); err != nil {
			return fmt.Errorf("leaf %d: %w", s.Index, err)
		}
	}
	if s.Private != nil && (e.Body == nil || s.Private.Hash() != e.Body.H) {
		return fmt.Errorf("%w: leaf %d: private body", ErrForeign, s.Index)
	}
	if _, err := g.Log.Append(ctx, tx, head, s.Leaf, s.Body, subject); err != nil {
		return err
	}
	if s.Private != nil {
		if err := g.Log.PutPrivate(ctx, tx, s.Index, *s.Private); err != nil {
			return err
		}
		e.Private = s.Private.Body
	}
	e.Before = event.Reader{Log: g.Log, Tx: tx}
	return g.fold(ctx, tx, e)
}
