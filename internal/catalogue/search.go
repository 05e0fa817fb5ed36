package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/internal/store/token"
)

// Search answers one page. The answer covers the log as it was when the question arrived, on whichever node it arrived.
func (s *Service) Search(ctx context.Context, q Query) (*Page, error) {
	p := &Page{Facets: make(map[string][]FacetCount, len(q.Facets))}
	var past *point
	if !q.At.IsZero() {
		m, at, err := s.moment(ctx, q.At)
		if err != nil {
			return nil, err
		}
		p.Moment, past, q = &m, &at, q.asOf(m)
	}
	if q.Now.IsZero() {
		q.Now = s.now()
	}
	fq, err := translate(q)
	if err != nil {
		return nil, err
	}
	if err := s.current(ctx, q.MinSize); err != nil {
		return nil, err
	}
	ask := func(fq facet.Query) (facet.Result, error) {
		if past == nil {
			return s.index.Search(ctx, fq)
		}
		return s.searchPast(ctx, *past, fq)
	}
	res, err := ask(fq)
	if err == nil && q.Explain {
		p.Explanation, err = s.explain(q, ask)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if errors.Is(err, facet.ErrName) || errors.Is(err, facet.ErrCursor) {
		err = fmt.Errorf("%w: %w", ErrQuery, err)
	}
	if err != nil {
		return nil, err
	}
	p.Total, p.Next, p.Size, p.Series = res.Total, res.Next, res.Seq, res.Bins
	for i, f := range q.Facets {
		counts := make([]FacetCount, len(res.Facets[i]))
		for j, c := range res.Facets[i] {
			counts[j] = FacetCount(c)
		}
		p.Facets[f] = counts
	}
	if q.IDsOnly {
		for _, id := range res.Keys {
			p.Hits = append(p.Hits, Hit{ID: id})
		}
	} else if len(res.Keys) > 0 {
		if p.Hits, err = s.hits(ctx, res.Keys, past); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// hits are the records as a list shows them, now or in the past. Those that were erased since the index answered are left out.
func (s *Service) hits(ctx context.Context, ids []string, past *point) ([]Hit, error) {
	out := make([]Hit, 0, len(ids))
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			changed, raw, err := entryOf(ctx, tx, id, past)
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			e, err := readEntry(id, raw)
			if errors.Is(err, ErrErased) {
				continue
			}
			if err != nil {
				return err
			}
			out = append(out, e.hit(id, changed))
		}
		return nil
	})
	return out, err
}

// entryOf is the stored entry of the version of id that is current, or stood at a point of the past.
func entryOf(ctx context.Context, tx *store.Tx, id string, past *point) (changed int64, packed []byte, err error) {
	row := func() store.Row { return tx.QueryRow(ctx, recordEntry, id) }
	if past != nil {
		v, err := standing(ctx, tx, id, *past)
		if err != nil {
			return 0, nil, err
		}
		if v.superseded {
			row = func() store.Row { return tx.QueryRow(ctx, pastEntry, v.leaf) }
		}
	}
	if err = row().Scan(&changed, &packed); errors.Is(err, sql.ErrNoRows) {
		err = fmt.Errorf("%s: %w", id, ErrNotFound)
	}
	return changed, packed, err
}

// Limits of Query.Text. Each term is work under the index's lock, and a prefix of one letter is much of it.
const (
	MaxText  = 500 // characters
	MaxTerms = 32  // distinct ones
)

func translate(q Query) (facet.Query, error) {
	fq := facet.Query{After: q.Cursor, Offset: q.Offset, Limit: q.Limit}
	// Bytes first: what is far too long is not even counted.
	if len(q.Text) > utf8.UTFMax*MaxText || utf8.RuneCountInString(q.Text) > MaxText {
		return fq, fmt.Errorf("%w: more than %d characters of text", ErrQuery, MaxText)
	}
	var where facet.And
	if q.Text != "" {
		t := facet.Text{}
		if q.Zone != "" {
			t.Zones = []string{q.Zone}
		}
		if q.Phrase {
			if p, ok := token.Phrase(q.Text); ok {
				t.Terms = []token.Term{p}
			}
		} else {
			t.Terms = token.Query(q.Text, q.Prefix)
		}
		if len(t.Terms) > MaxTerms {
			return fq, fmt.Errorf("%w: more than %d different words", ErrQuery, MaxTerms)
		}
		if len(t.Terms) == 0 {
			where = append(where, facet.Or{}) // words were asked for and none is searchable: nothing matches
		} else {
			where = append(where, t)
		}
	}
	for _, f := range q.Filters {
		fq.Filters = append(fq.Filters, facet.Filter{Dim: f.Dim, Node: f.node()})
	}
	if q.Tree != nil {
		rest, filters := plan(q.Tree.Root, q.Now)
		where = append(where, rest...)
		fq.Filters = append(fq.Filters, filters...)
	}
	for _, x := range q.Series {
		fq.Histograms = append(fq.Histograms, facet.Histogram(x))
	}
	fq.Where = where
	switch q.Sort {
	case Newest:
		fq.Sort = facet.Sort{By: "published", Desc: true}
	case Oldest:
		fq.Sort = facet.Sort{By: "published"}
	case Relevance:
		fq.Sort = facet.Sort{Relevance: true}
	case Severest:
		fq.Sort = facet.Sort{By: "score", Desc: true}
	case Exploited:
		fq.Sort = facet.Sort{By: "kevadded", Desc: true}
	case Touched:
		fq.Sort = facet.Sort{By: "changed", Desc: true}
	default:
		return fq, fmt.Errorf("%w: order %d", ErrQuery, q.Sort)
	}
	if q.By != "" {
		fq.Sort = facet.Sort{By: q.By, Desc: !q.Asc}
	}
	for _, f := range q.Facets {
		top := q.Top
		if top == 0 {
			top = 12
		}
		fq.Facets = append(fq.Facets, facet.Facet{Dim: f, Top: top, Sideways: true})
	}
	return fq, nil
}

func (f Filter) node() facet.Node {
	var n facet.Node
	switch {
	case f.Any != nil:
		or := facet.Or{}
		for _, g := range f.Any {
			or = append(or, g.node())
		}
		n = or
	case f.All != nil:
		and := facet.And{}
		for _, g := range f.All {
			and = append(and, g.node())
		}
		n = and
	case f.Num != "":
		n = facet.Range{Num: f.Num, Min: f.Min, Max: f.Max}
	case f.Dim == "id":
		n = facet.Keys(f.Values)
	case f.Match != nil:
		n = facet.Match{Dim: f.Dim, Func: f.Match}
	default:
		n = facet.Any{Dim: f.Dim, Values: f.Values}
	}
	if f.Not {
		n = facet.Not{Node: n}
	}
	return n
}

// current brings the index to the log's head as it is now, and at least to size.
func (s *Service) current(ctx context.Context, size int64) error {
	select {
	case <-s.warm:
	case <-ctx.Done():
		return ctx.Err()
	}
	var head int64
	err := s.db.View(ctx, func(tx *store.Tx) error {
		h, err := s.log.Head(ctx, tx)
		head = h.Size
		return err
	})
	if err != nil {
		return err
	}
	if s.index.Seq() < head {
		if err := s.follow(ctx, upTo(head), nil); err != nil {
			return err
		}
	}
	return s.index.Wait(ctx, max(head, size))
}

// Warm fills the index from the store and opens it for searches. progress may be nil.
func (s *Service) Warm(ctx context.Context, progress func(done int)) error {
	err := s.follow(ctx, upTo(math.MaxInt64), progress)
	if err == nil {
		s.warmed.Do(func() { close(s.warm) })
	}
	return err
}

// Ready says whether searches are answered yet, and the log size the index has reached.
func (s *Service) Ready() (bool, int64) {
	select {
	case <-s.warm:
		return true, s.index.Seq()
	default:
		return false, s.index.Seq()
	}
}

// Len is how many records the index holds.
func (s *Service) Len() int { return s.index.Len() }

// Follow folds what the log has gained since into the index. One caller does the work, the others wait for it.
func (s *Service) Follow(ctx context.Context) error { return s.follow(ctx, upTo(math.MaxInt64), nil) }

// Reload reads every row again: after a replay that mended the table.
func (s *Service) Reload(ctx context.Context) error {
	s.overlays.forget()
	return s.follow(ctx, everything, nil)
}

// upTo is the log size that a caller of follow needs: once another caller's work has reached it, there is none left. Else
// every search that waits during an import would fold what came in while it waited, one after the other.
type upTo int64

// everything reads every row again, whatever the index has reached.
const everything upTo = -1

func (s *Service) follow(ctx context.Context, need upTo, progress func(done int)) error {
	s.following.Lock()
	defer s.following.Unlock()
	if need != everything && s.index.Seq() >= int64(need) {
		return nil
	}
	var size int64
	read := func(ctx context.Context, each func(row) error) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			head, err := s.log.Head(ctx, tx)
			if err != nil {
				return err
			}
			size = head.Size
			from := max(s.index.Seq(), 0)
			if need == everything {
				from = 0
			} else if from >= size {
				return nil
			}
			return since(ctx, tx, from, each)
		})
	}
	done := 0
	err := fill(ctx, s.index, read, func(rows []row) {
		if done += len(rows); progress != nil {
			progress(done)
		}
	})
	if err != nil {
		return err
	}
	s.index.Apply(nil, size)
	return nil
}

func since(ctx context.Context, tx *store.Tx, leaf int64, fn func(row) error) error {
	rows, err := tx.Query(ctx, recordsSince, leaf)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		r := row{until: facet.Absent}
		if err := rows.Scan(&r.id, &r.leaf, &r.version, &r.changed, &r.source, &r.created, &r.entry); err != nil {
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}
