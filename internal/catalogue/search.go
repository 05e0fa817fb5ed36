package catalogue

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"tasuki/internal/store"
	"tasuki/internal/store/facet"
	"tasuki/internal/store/token"
)

// Search answers one page. The answer covers the log as it was when the question arrived, on whichever node it arrived.
func (s *Service) Search(ctx context.Context, q Query) (*Page, error) {
	fq, err := translate(q)
	if err != nil {
		return nil, err
	}
	if err := s.current(ctx, q.MinSize); err != nil {
		return nil, err
	}
	res, err := s.index.Search(ctx, fq)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	p := &Page{Total: res.Total, Next: res.Next, Size: res.Seq, Facets: make(map[string][]FacetCount, len(q.Facets))}
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
		if p.Hits, err = s.hits(ctx, res.Keys); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (s *Service) hits(ctx context.Context, ids []string) ([]Hit, error) {
	out := make([]Hit, 0, len(ids))
	err := s.db.View(ctx, func(tx *store.Tx) error {
		for _, id := range ids {
			var changed int64
			var raw []byte
			err := tx.QueryRow(ctx, recordEntry, id).Scan(&changed, &raw)
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			e, err := readEntry(id, raw)
			if errors.Is(err, ErrErased) {
				continue // since the index answered
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
func (s *Service) Reload(ctx context.Context) error { return s.follow(ctx, everything, nil) }

// followChunk is how many rows are cut into words together.
const followChunk = 512

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
	type chunk struct {
		rows []row
		docs []*facet.Prepared
		done chan error
	}
	var size int64
	group, gctx := errgroup.WithContext(ctx)
	work, order := make(chan *chunk, 4), make(chan *chunk, 4)
	group.Go(func() error {
		defer close(work)
		defer close(order)
		return s.db.View(gctx, func(tx *store.Tx) error {
			head, err := s.log.Head(gctx, tx)
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
			c := &chunk{done: make(chan error, 1)}
			send := func() error {
				for _, to := range []chan *chunk{order, work} {
					select {
					case to <- c:
					case <-gctx.Done():
						return gctx.Err()
					}
				}
				c = &chunk{done: make(chan error, 1)}
				return nil
			}
			err = since(gctx, tx, from, func(r row) error {
				if c.rows = append(c.rows, r); len(c.rows) == followChunk {
					return send()
				}
				return nil
			})
			if err == nil && len(c.rows) > 0 {
				err = send()
			}
			return err
		})
	})
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			for c := range work {
				var err error
				for _, r := range c.rows {
					var e *entry
					if e, err = readEntry(r.id, r.entry); errors.Is(err, ErrErased) {
						err = nil
						c.docs = append(c.docs, s.index.Prepare(facet.Doc{Key: r.id, Order: naturalOrder(r.id), Seq: r.leaf, Gone: true}))
						continue
					}
					if err != nil {
						break
					}
					c.docs = append(c.docs, s.index.Prepare(e.doc(r)))
				}
				c.rows = nil
				c.done <- err
			}
			return nil
		})
	}
	group.Go(func() error {
		done := 0
		for c := range order {
			select {
			case err := <-c.done:
				if err != nil {
					return err
				}
			case <-gctx.Done(): // nobody may have taken it up
				return gctx.Err()
			}
			// The sequence number moves only with the last chunk: a search must not see half of what it waits for.
			s.index.ApplyPrepared(c.docs, s.index.Seq())
			if done += len(c.docs); progress != nil {
				progress(done)
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	s.index.Apply(nil, size)
	return nil
}

// row is what the index learns of one record.
type row struct {
	id      string
	leaf    int64 // newest about it
	version int64 // leaf of the version itself; less than leaf once its body was erased
	changed int64
	source  int64
	entry   []byte
}

func since(ctx context.Context, tx *store.Tx, leaf int64, fn func(row) error) error {
	rows, err := tx.Query(ctx, recordsSince, leaf)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.id, &r.leaf, &r.version, &r.changed, &r.source, &r.entry); err != nil {
			return err
		}
		if err := fn(r); err != nil {
			return err
		}
	}
	return rows.Err()
}
