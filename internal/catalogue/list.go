package catalogue

import (
	"context"
	"math"
	"slices"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/spec/cve"
)

var recordCreated = q.Get("record_created")

// Listing asks for records as programs list them: by what their metadata says, whole. Zero values do not narrow.
type Listing struct {
	State         cve.State
	AssignerID    string // cveMetadata.assignerOrgId
	AssignerShort string // cveMetadata.assignerShortName
	ADP           string // some ADP container's providerMetadata.shortName
	After, Before time.Time
	// CNASaid makes After and Before mean dateUpdated of the CNA's container; else they mean when this list learnt the record's
	// present version. Both are exclusive.
	CNASaid bool
}

// List gives fn the records of one page in the order of identifiers' text, and returns how many there are in all. limit 0 only
// counts. No more than a few records are held at a time.
func (s *Service) List(ctx context.Context, l Listing, offset, limit int, fn func(*View) error) (total int, err error) {
	where, err := s.listed(ctx, l)
	if err != nil {
		return 0, err
	}
	found, err := s.index.Search(ctx, facet.Query{Where: where, Sort: facet.Sort{By: "text"}, Offset: offset, Limit: limit})
	if err != nil {
		return 0, err
	}
	return found.Total, s.Texts(ctx, found.Keys, fn)
}

// A Stretch is a piece of the list in the order in which records were created, newest first. Its ends are places between records,
// which no later record moves.
type Stretch struct {
	First, Last int64 // leaves that created the first and the last record; First < Last only where there is none
	Newer       bool  // there are records before it
	Older       bool  // and after it
}

// Walk gives fn up to limit records created before a leaf, newest first; where back is true the nearest ones created after it, in
// the same order. Before math.MaxInt64 stand all of them.
func (s *Service) Walk(ctx context.Context, l Listing, leaf int64, back bool, limit int, fn func(*View) error) (Stretch, error) {
	where, err := s.listed(ctx, l)
	if err != nil {
		return Stretch{}, err
	}
	within := func(from, to int64, sort facet.Sort, limit int) (facet.Result, error) {
		return s.index.Search(ctx, facet.Query{Where: append(slices.Clip(where), facet.Range{Num: "created", Min: from, Max: to}), Sort: sort, Limit: limit})
	}
	var found facet.Result
	if back {
		if found, err = within(leaf+1, math.MaxInt64, facet.Sort{By: "created"}, limit); err == nil {
			slices.Reverse(found.Keys)
		}
	} else {
		found, err = within(0, leaf-1, facet.Sort{By: "created", Desc: true}, limit)
	}
	if err != nil {
		return Stretch{}, err
	}
	span := Stretch{First: leaf - 1, Last: leaf}
	if back {
		span = Stretch{First: leaf, Last: leaf + 1}
	}
	if n := len(found.Keys); n > 0 {
		if span.First, span.Last, err = s.created(ctx, found.Keys[0], found.Keys[n-1]); err != nil {
			return Stretch{}, err
		}
	}
	newer, err := within(span.First+1, math.MaxInt64, facet.Sort{}, 0)
	if err != nil {
		return Stretch{}, err
	}
	older, err := within(0, span.Last-1, facet.Sort{}, 0)
	if err != nil {
		return Stretch{}, err
	}
	span.Newer, span.Older = newer.Total > 0, older.Total > 0
	return span, s.Texts(ctx, found.Keys, fn)
}

// created finds the leaves that two records began with.
func (s *Service) created(ctx context.Context, first, last string) (a, b int64, err error) {
	err = s.db.View(ctx, func(tx *store.Tx) error {
		if err := tx.QueryRow(ctx, recordCreated, first).Scan(&a); err != nil {
			return err
		}
		return tx.QueryRow(ctx, recordCreated, last).Scan(&b)
	})
	return a, b, err
}

// listed brings the index to the head and says what narrows it.
func (s *Service) listed(ctx context.Context, l Listing) (facet.And, error) {
	if err := s.current(ctx, 0); err != nil {
		return nil, err
	}
	where := facet.And{}
	only := func(dim, value string) {
		if value != "" {
			where = append(where, facet.Any{Dim: dim, Values: []string{value}})
		}
	}
	only("state", string(l.State))
	only("assignerid", l.AssignerID)
	only("assignershort", l.AssignerShort)
	only("adp", l.ADP)
	if l.After.IsZero() && l.Before.IsZero() {
		return where, nil
	}
	// In whole milliseconds, as both the log and the index count: t lies after After from the next one on.
	from, to := int64(math.MinInt64+1), int64(math.MaxInt64)
	if !l.After.IsZero() {
		from = l.After.UnixMilli() + 1
	}
	if !l.Before.IsZero() {
		to = l.Before.Add(time.Millisecond-1).UnixMilli() - 1
	}
	if l.CNASaid {
		return append(where, facet.Range{Num: "cnasaid", Min: from, Max: to}), nil
	}
	// Times in the log never decrease, so that a span of time is a span of leaves.
	err := s.db.View(ctx, func(tx *store.Tx) error {
		head, err := s.log.Head(ctx, tx)
		if err != nil {
			return err
		}
		first, err := s.sizeAt(ctx, tx, from-1, head.Size)
		if err != nil {
			return err
		}
		after, err := s.sizeAt(ctx, tx, to, head.Size)
		where = append(where, facet.Range{Num: "leaf", Min: first, Max: after - 1})
		return err
	})
	return where, err
}

// textOrder places identifiers by their text: the year, then digits as letters, of which 14 fit. Longer numbers, which nobody has
// given out, are ordered by their first ones.
func textOrder(id string) int64 {
	c, err := cve.ParseID(id)
	if err != nil {
		return math.MaxInt64
	}
	const places = 14
	n := int64(0)
	digits := id[len("CVE-2026-"):]
	for i := range places {
		n *= 11
		if i < len(digits) {
			n += int64(digits[i]-'0') + 1
		}
	}
	return int64(c.Year)<<49 | n
}
