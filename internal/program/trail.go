package program

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// Trail is what was refused to a caller, newest first, below a number; 0 begins with the newest.
func (s *Service) Trail(ctx context.Context, c authority.Caller, before int64, limit int) (out []authority.Refusal, err error) {
	err = s.view(ctx, c, func(tx *store.Tx, _ authority.Standing) (err error) {
		out, err = authority.Refusals(ctx, tx, c, before, limit)
		return err
	})
	return out, err
}

// Deed is something that a caller, or somebody of their organisation, did, as the log has it.
type Deed struct {
	Leaf int64
	At   time.Time
	Kind event.Kind
	ID   string // identifier that it is about, "" for none
	Own  bool   // the caller did it; else it is known of the organisation alone
}

// Deeds are what the log knows of a caller and their organisation, newest first, below a leaf; 0 begins with the newest: what they
// reserved, what the organisation published or rejected, and what else it wrote.
func (s *Service) Deeds(ctx context.Context, c authority.Caller, before int64, limit int) (out []Deed, err error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	err = s.view(ctx, c, func(tx *store.Tx, me authority.Standing) error {
		reserved, err := registry.RequestedBy(ctx, tx, me.User.ID, before, limit)
		if err != nil {
			return err
		}
		for _, d := range reserved {
			// The fact stands two leaves behind what it is about; its own leaf says nothing but that there is a fact.
			out = append(out, Deed{Leaf: d.Leaf, Kind: event.IDReserved, ID: d.ID, Own: true})
		}
		put, err := registry.PutBy(ctx, tx, me.Org.ID, before, limit)
		if err != nil {
			return err
		}
		for _, d := range put {
			out = append(out, Deed{Leaf: d.Leaf, ID: d.ID})
		}
		about, err := s.about(ctx, tx, me.Org.ID, before, limit)
		if err != nil {
			return err
		}
		for _, leaf := range about {
			out = append(out, Deed{Leaf: leaf})
		}
		slices.SortFunc(out, func(a, b Deed) int { return cmp.Compare(b.Leaf, a.Leaf) })
		out = out[:min(len(out), limit)]
		for i := range out {
			if err := s.date(ctx, tx, &out[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// furthest bounds how far back a page of deeds looks along the chain of an organisation's leaves.
const furthest = 5000

// about follows the chain of leaves that an organisation wrote about anything but an identifier, newest first.
func (s *Service) about(ctx context.Context, tx *store.Tx, org string, before int64, limit int) (out []int64, err error) {
	index, err := s.Log.Last(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	for range furthest {
		if index < 0 || len(out) == limit {
			break
		}
		if index < before {
			out = append(out, index)
		}
		e, err := s.leaf(ctx, tx, index)
		if err != nil {
			return nil, err
		}
		index = e.Back
	}
	return out, nil
}

func (s *Service) leaf(ctx context.Context, tx *store.Tx, index int64) (*event.Entry, error) {
	raw, err := s.Log.Leaf(ctx, tx, index)
	if err != nil {
		return nil, err
	}
	return event.Open(index, raw, nil)
}

// date reads what a leaf says of itself: when, and what it is where that is not known already.
func (s *Service) date(ctx context.Context, tx *store.Tx, d *Deed) error {
	e, err := s.leaf(ctx, tx, d.Leaf)
	if err != nil {
		return err
	}
	d.At, d.Kind = e.Time, cmp.Or(d.Kind, e.Kind)
	return nil
}
