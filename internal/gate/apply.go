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
	Doc     *event.Doc      // in place of Body: one that event.Pack made here, whose hash is therefore known to be its bytes'
	Private *ledger.Private // of a committed event, where this copy may hold it
}

// Inspected is a stored leaf about which everything has been checked and computed that needs neither the leaves before it nor a database.
type Inspected struct {
	stored  Stored
	entry   *event.Entry
	subject string
}

// Entry is the leaf as folds will see it; not to be changed.
func (i *Inspected) Entry() *event.Entry { return i.entry }

// Inspect reads a leaf that was decided elsewhere and believes nothing of it: its encoding, list, body and commitments are checked, and what folds need
// of the body is prepared. It is safe for concurrent use, so that many leaves can be inspected beside the transaction that takes them in.
func (g *Gate) Inspect(s Stored) (*Inspected, error) {
	e, err := event.Open(s.Index, s.Leaf, s.Body)
	if err != nil {
		return nil, err
	}
	if e.List != g.List {
		return nil, fmt.Errorf("%w: leaf %d is of another list", ErrForeign, s.Index)
	}
	if s.Doc != nil {
		s.Body, e.Doc = s.Doc.Body, s.Doc
	}
	if s.Body != nil {
		if e.Kind == event.PrivateFact || e.Body == nil || e.Body.H != s.Body.Hash || e.Body.N != s.Body.N {
			return nil, fmt.Errorf("%w: leaf %d: body", ErrForeign, s.Index)
		}
		if s.Doc == nil {
			if err := s.Body.Check(); err != nil {
				return nil, fmt.Errorf("leaf %d: %w", s.Index, err)
			}
		}
		if err := g.Prepare(e.Kind, e.Doc); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", s.Index, err)
		}
		e.Doc.Trim()
	}
	if s.Private != nil && (e.Kind != event.PrivateFact || s.Private.Hash() != e.Body.H) {
		return nil, fmt.Errorf("%w: leaf %d: private body", ErrForeign, s.Index)
	}
	return &Inspected{stored: s, entry: e, subject: e.Subject()}, nil
}

// Following is how leaves are taken in that another copy goes on sending.
type Following struct {
	// Check is asked about each leaf in the transaction, before it is folded; its error refuses all leaves of the call. nil for no more than the gate itself checks.
	Check func(ctx context.Context, tx *store.Tx, e *event.Entry) error
	// Size and Root are the tree that the leaves lead to, where the last of them ends it; Size 0 for none.
	Size int64
	Root ledger.Hash
}

// Apply appends leaves that were decided elsewhere and folds them: the way in for restore, whose bodies are as the backup has them. Nothing is
// decided here, but nothing is believed either: position, list, stamps, body hashes and commitments are checked.
func (g *Gate) Apply(ctx context.Context, leaves []Stored) error {
	list := make([]*Inspected, len(leaves))
	for n, s := range leaves {
		var err error
		if list[n], err = g.Inspect(s); err != nil {
			return err
		}
	}
	return g.take(ctx, list, Following{}, false)
}

// Follow appends leaves that were inspected and folds them, in one transaction: the way in for mirrors. What a body.erased names goes from this copy
// as well.
func (g *Gate) Follow(ctx context.Context, leaves []*Inspected, f Following) error {
	return g.take(ctx, leaves, f, true)
}

func (g *Gate) take(ctx context.Context, leaves []*Inspected, f Following, follow bool) error {
	return g.seq.Bulk(ctx, func(ctx context.Context, tx *store.Tx, head *ledger.Head) error {
		for _, i := range leaves {
			if err := g.apply(ctx, tx, head, i, f.Check); err != nil {
				return err
			}
			if follow {
				if err := g.aside(ctx, tx, i); err != nil {
					return err
				}
			}
		}
		if f.Size > 0 && f.Size == head.Size && f.Root != head.Root() {
			return fmt.Errorf("%w: the tree of %d leaves has another root", ErrForeign, f.Size)
		}
		return nil
	})
}

// aside does what follows from a leaf beside its folds, where nobody else does it.
func (g *Gate) aside(ctx context.Context, tx *store.Tx, i *Inspected) error {
	switch e := i.entry; {
	case e.Kind == event.BodyErased:
		return g.Log.Erase(ctx, tx, *e.Leaf)
	case e.Kind == event.PrivateFact && i.stored.Private == nil:
		return g.Log.ExpectEscrow(ctx, tx, e.Index)
	}
	return nil
}

func (g *Gate) apply(ctx context.Context, tx *store.Tx, head *ledger.Head, i *Inspected, check func(context.Context, *store.Tx, *event.Entry) error) error {
	s, e := i.stored, *i.entry
	if s.Index != head.Size {
		return fmt.Errorf("%w: leaf %d offered where leaf %d comes next", ErrForeign, s.Index, head.Size)
	}
	back := int64(-1)
	var err error
	if i.subject != "" {
		if back, err = g.Log.Last(ctx, tx, i.subject); err != nil {
			return err
		}
	}
	if back != e.Back {
		return fmt.Errorf("%w: leaf %d says its predecessor is %d, it is %d", ErrForeign, s.Index, e.Back, back)
	}
	// A copy, since the transaction may be tried again: a reader of one that ended is no reader.
	e.Before = event.Reader{Log: g.Log, Tx: tx}
	if check != nil {
		if err := check(ctx, tx, &e); err != nil {
			return err
		}
	}
	if _, err := g.Log.Append(ctx, tx, head, s.Leaf, s.Body, i.subject); err != nil {
		return err
	}
	if s.Private != nil {
		if err := g.Log.PutPrivate(ctx, tx, s.Index, *s.Private); err != nil {
			return err
		}
		e.Private = s.Private.Body
	}
	return g.fold(ctx, tx, &e)
}
