package registry

import (
	"context"
	"errors"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// What a leaf of another copy says of identifiers and must not. CheckLeaf returns them bare: they name rules, not identifiers.
var (
	ErrSeen      = errors.New("registry: the identifier was seen before")
	ErrNumber    = errors.New("registry: the number is outside of what may be given out")
	ErrOverlap   = errors.New("registry: the numbers overlap with others")
	ErrStaleCopy = errors.New("registry: an imported document is older than the stored one, or the same")
	ErrLocal     = errors.New("registry: an imported document is about an identifier of this list's own")
	ErrState     = errors.New("registry: the identifier's state does not allow it")
	ErrUnopened  = errors.New("registry: the first public leaf of an identifier does not open its owner")
	ErrFrom      = errors.New("registry: the identifier is not the one's who gives it away")
)

// CheckLeaf holds a leaf of another copy to the rules of identifiers that public leaves show, before it is folded: ranges and numbers that were set aside
// are disjoint, an identifier is given out once, an import replaces nothing of this list's own and nothing newer. Who may say it is asked elsewhere, and
// so is rule R. It returns one of the errors above, or the store's.
func CheckLeaf(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	switch e.Kind {
	case event.RangeOpened:
		if e.Year < firstYear || e.Year > 9999 || e.First != 0 || e.Last <= PriorityEnd || e.Last > GeneralEnd {
			return ErrNumber
		}
	case event.PoolCarved:
		return checkCarved(ctx, tx, e)
	case event.IDReserved:
		return checkReserved(ctx, tx, e)
	case event.RecordImported:
		return checkImported(ctx, tx, e)
	case event.IDRejected, event.IDRestored, event.IDTransferred, event.RecordReplaced, event.RecordPut, event.RecordRejected:
		return checkKnown(ctx, tx, e)
	}
	return nil
}

// checkCarved: numbers that are set aside lie above every number that was given out, or set aside before, and inside an open range.
func checkCarved(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	r, err := getRange(ctx, tx, e.Year)
	switch {
	case err != nil:
		return err
	case !r.Open || e.Last > r.Last:
		return ErrNumber
	case e.First <= r.General:
		return ErrOverlap
	}
	return nil
}

// checkReserved: an identifier is given out once, inside the range of an open year and outside of the blocks that authorities assign from by themselves.
// What was brought from another server, or is from before the list, is of a year that was never opened, or below its counters.
func checkReserved(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	c, err := cve.ParseID(e.ID)
	if err != nil || int64(c.Year) < firstYear || c.Number == 0 || c.Number > GeneralEnd {
		return ErrNumber
	}
	if _, seen, err := Taken(ctx, tx, e.ID); err != nil || seen {
		return errors.Join(err, when(seen, ErrSeen))
	}
	r, err := getRange(ctx, tx, int64(c.Year))
	if err != nil {
		return err
	}
	if r.Open && int64(c.Number) > r.Last {
		return ErrNumber
	}
	switch b, err := BlockOf(ctx, tx, e.ID); {
	case errors.Is(err, ErrNoBlock):
		return nil
	case err != nil:
		return err
	case b.Open():
		return ErrOverlap
	}
	return nil
}

func when(is bool, err error) error {
	if is {
		return err
	}
	return nil
}

// checkImported: what another list says never replaces what is this one's, nor anything as new. Of an erased document only the dates that its leaf has
// are compared.
func checkImported(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	c, err := cve.ParseID(e.ID)
	if err != nil {
		return ErrNumber
	}
	var there, listed, owned bool
	var ms int64
	var sum []byte
	number := int64(min(c.Number, GeneralEnd+1)) // no block reaches beyond
	if err := tx.QueryRow(ctx, checkImport, int64(c.Year), number, number, e.ID, e.ID).Scan(&there, &ms, &sum, &listed, &owned); err != nil {
		return err
	}
	switch {
	case owned || listed && !there:
		return ErrLocal // given out here, or its assigner is one of this list's organisations
	case !there:
		return nil
	case ms > updated(e.Dates):
		return ErrStaleCopy
	}
	have := Row{}
	if copy(have.SHA256[:], sum); e.Doc == nil || have.Erased() {
		return nil
	}
	f, err := factsOf(e.Doc)
	if err == nil && f.sum == have.SHA256 {
		err = ErrStaleCopy
	}
	return err
}

var checkImport = q.Get("check_import")

// checkKnown: what is said of an identifier fits the state that earlier leaves left it in, and the first of them opens whose it is.
func checkKnown(ctx context.Context, tx *store.Tx, e *event.Entry) error {
	i, err := GetID(ctx, tx, e.ID)
	if errors.Is(err, ErrNotFound) {
		return ErrState
	}
	if err != nil {
		return err
	}
	switch e.Kind {
	case event.IDRejected, event.IDRestored:
		want := cve.Reserved
		if e.Kind == event.IDRestored {
			want = cve.Rejected
		}
		if i.Record || i.State != want {
			return ErrState
		}
	case event.IDTransferred:
		if !i.Opened {
			return ErrState
		}
		if i.Owner != "" && i.Owner != e.From {
			return ErrFrom
		}
		return nil // it opens nothing: what is hidden is handed on in private
	}
	if !i.Opened && e.Own == nil {
		return ErrUnopened
	}
	if e.Own != nil && e.Own.Index >= e.Index {
		return ErrUnopened
	}
	return nil
}
