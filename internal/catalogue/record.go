package catalogue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// get fetches the current record of id as it is stored, neither unpacked nor read: that needs no transaction.
func (s *Service) get(ctx context.Context, tx *store.Tx, id string) (*View, error) {
	v, err := newest(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, tx, v)
}

// open fetches what a version says. This is the one place that knows that a version is one whole document in one leaf.
func (s *Service) open(ctx context.Context, tx *store.Tx, which version) (*View, error) {
	v := &View{ID: which.id, State: which.state, Index: which.leaf, Changed: time.UnixMilli(which.changed).UTC(), Logged: time.UnixMilli(which.logged).UTC()}
	var err error
	if v.body, err = s.log.Body(ctx, tx, which.leaf); errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", which.id, ErrErased)
	}
	return v, err
}

func (v *View) unpack() (err error) {
	if v.compact, err = v.body.Compact(); err != nil {
		return fmt.Errorf("%s: %w", v.ID, err)
	}
	return nil
}

func (v *View) decode() (err error) {
	if err := v.unpack(); err != nil {
		return err
	}
	// Loosely, as its fold did: what an import let in must be readable.
	if v.Record, _, err = cve.DecodeLoose(v.compact); err != nil {
		return fmt.Errorf("%s: stored record: %w", v.ID, err)
	}
	v.State = v.Record.Metadata.State
	return nil
}

// Leaves are the indexes of the leaves that make up the current record of id, base first; also of one that was erased, since
// what is left of it can be proved.
func (s *Service) Leaves(ctx context.Context, tx *store.Tx, id string) ([]int64, error) {
	leaf, err := s.log.Last(ctx, tx, id)
	if err == nil && leaf < 0 {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return []int64{leaf}, nil
}
