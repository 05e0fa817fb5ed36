package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/cve"
)

// get fetches the current record of id as it is stored, neither unpacked nor read: that needs no transaction.
func (s *Service) get(ctx context.Context, tx *store.Tx, id string) (*View, error) {
	v := &View{ID: id}
	var changed, logged int64
	err := tx.QueryRow(ctx, recordGet, id).Scan(&v.Index, &changed, &logged)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	v.Changed, v.Logged = time.UnixMilli(changed).UTC(), time.UnixMilli(logged).UTC()
	if v.body, err = s.log.Body(ctx, tx, v.Index); errors.Is(err, ledger.ErrNotFound) {
		return nil, fmt.Errorf("%s: %w", id, ErrErased)
	}
	return v, err
}

// state takes the record's state from the derived row, where the record itself is not read.
func (s *Service) state(ctx context.Context, tx *store.Tx, v *View) error {
	var changed int64
	var packed []byte
	if err := tx.QueryRow(ctx, recordEntry, v.ID).Scan(&changed, &packed); err != nil {
		return err
	}
	e, err := readEntry(v.ID, packed)
	if err != nil {
		return err
	}
	v.State = cve.State(e.State)
	return nil
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

// Versions lists every version of a record that this list has held, newest first. It walks the back chain.
func (s *Service) Versions(ctx context.Context, id string) ([]Version, error) {
	var out []Version
	err := s.db.View(ctx, func(tx *store.Tx) error {
		index, err := s.log.Last(ctx, tx, id)
		if err != nil {
			return err
		}
		for index >= 0 {
			leaf, err := s.log.Leaf(ctx, tx, index)
			if err != nil {
				return err
			}
			e, err := event.Open(index, leaf, nil)
			if err != nil {
				return err
			}
			out = append(out, Version{Index: index, Kind: string(e.Kind), State: e.State, Logged: e.Time, Updated: e.Dates.Updated, By: e.By})
			index = e.Back
		}
		return nil
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return out, err
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
