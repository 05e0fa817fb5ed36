package event

import (
	"context"
	"errors"
	"sync"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
)

// Reader reads leaves of the log one by one, as one transaction sees them.
type Reader struct {
	Log *ledger.Log
	Tx  *store.Tx
	// Turn is held while Tx is read; nil where nobody else reads it meanwhile.
	Turn sync.Locker
}

// Leaf is the entry of a leaf, without its body. Of one that this program has no meaning for, the event is empty.
func (r Reader) Leaf(ctx context.Context, index int64) (*Entry, error) {
	raw, err := r.leaf(ctx, index)
	if err != nil {
		return nil, err
	}
	e, err := Open(index, raw, nil)
	if !errors.Is(err, ErrUnknown) {
		return e, err
	}
	l, err := ledger.ParseLeaf(raw)
	return &Entry{Event: &Event{}, Index: index, Back: l.Stamp.Back, Time: time.UnixMilli(l.Stamp.Time).UTC()}, err
}

func (r Reader) leaf(ctx context.Context, index int64) ([]byte, error) {
	if r.Turn != nil {
		r.Turn.Lock()
		defer r.Turn.Unlock()
	}
	return r.Log.Leaf(ctx, r.Tx, index)
}

// Doc is the public body beside a leaf; nil when there is none or it was erased.
func (r Reader) Doc(ctx context.Context, index int64) (*Doc, error) {
	if r.Turn != nil {
		r.Turn.Lock()
		defer r.Turn.Unlock()
	}
	body, err := r.Log.Body(ctx, r.Tx, index)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &Doc{Body: body}, nil
}
