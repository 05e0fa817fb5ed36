package catalogue

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"tasuki/internal/store"
	"tasuki/spec/cve"
)

var (
	changesLog    = q.Get("changes_log")
	changesSource = q.Get("changes_source")
	changesSince  = q.Get("changes_since")
)

// changesLimit is how many changes a page has where nothing else is asked.
const changesLimit = 100

// Changes says which records differ between two moments. Both must be of one clock, and in their order; else ErrAt. Span.Cursor
// that no page gave is ErrQuery.
func (s *Service) Changes(ctx context.Context, span Span) (*Changes, error) {
	after := int64(none)
	if span.Cursor != "" {
		var err error
		if after, err = strconv.ParseInt(span.Cursor, 10, 64); err != nil || after < 0 {
			return nil, fmt.Errorf("%w: the cursor %.40q is none of a list of changes", ErrQuery, span.Cursor)
		}
	}
	out := &Changes{}
	err := s.db.View(ctx, func(tx *store.Tx) (err error) {
		var from, to point
		if out.From, from, err = s.resolve(ctx, tx, span.From); err != nil {
			return fmt.Errorf("from: %w", err)
		}
		if out.To, to, err = s.resolve(ctx, tx, span.To); err != nil {
			return fmt.Errorf("to: %w", err)
		}
		b, err := between(from, to, span)
		if err != nil {
			return err
		}
		return s.changes(ctx, tx, b, span, after, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// bounds are two points on one clock.
type bounds struct {
	clock    Clock
	from, to int64 // sizes, or Unix milliseconds
}

func between(from, to point, span Span) (bounds, error) {
	b := bounds{LogClock, from.size, to.size}
	if from.clock == SourceClock || to.clock == SourceClock {
		b = bounds{SourceClock, from.ms, to.ms}
		// Now is later than everything by either clock.
		for _, end := range []struct {
			at At
			p  point
			ms *int64
		}{{span.From, from, &b.from}, {span.To, to, &b.to}} {
			switch {
			case end.at.IsZero():
				*end.ms = math.MaxInt64
			case end.p.clock != SourceClock:
				return b, fmt.Errorf("%w: one end is of the log's clock, the other of the source's", ErrAt)
			}
		}
	}
	if b.from > b.to {
		return b, fmt.Errorf("%w: the span ends before it begins", ErrAt)
	}
	return b, nil
}

// changes fills a page, and the totals where it is the first one.
func (s *Service) changes(ctx context.Context, tx *store.Tx, b bounds, span Span, after int64, out *Changes) error {
	limit := span.Limit
	if limit <= 0 {
		limit = changesLimit
	}
	first := span.Cursor == ""
	if first {
		out.Total = map[What]int{}
	}
	wanted := func(w What) bool { return len(span.Kinds) == 0 || slices.Contains(span.Kinds, w) }
	for {
		// Totals need every row; without them only so many are read as the page may need.
		batch := limit + 1
		if first {
			batch = math.MaxInt32
		}
		rows, err := b.rows(ctx, tx, after+1, batch)
		if err != nil {
			return err
		}
		for _, r := range rows {
			after = r.place
			c := r.change(b)
			if first {
				out.Total[c.What]++
			}
			switch {
			case !wanted(c.What):
			case len(out.List) < limit:
				out.List = append(out.List, c)
			case out.Next == "":
				out.Next = strconv.FormatInt(out.List[limit-1].Index, 10)
			}
		}
		if len(rows) < batch || out.Next != "" {
			break
		}
	}
	return s.times(ctx, tx, out.List)
}

// rows are those from a place in the log on, at most n.
func (b bounds) rows(ctx context.Context, tx *store.Tx, place int64, n int) ([]changeRow, error) {
	if b.clock == SourceClock {
		return changeRows(tx.Query(ctx, changesSource, place, place, b.from, b.to, place, b.from, b.to, b.to, n, b.from, b.from))
	}
	lo := max(place, b.from)
	return changeRows(tx.Query(ctx, changesLog, lo, b.to, lo, b.to, b.to, lo, b.to, b.to, b.to, lo, b.to, b.to, b.to, n, b.from, b.from))
}

// changeRow is a version with the one before it, if there is one.
type changeRow struct {
	place  int64 // leaf of the change
	id     string
	leaf   int64
	erased int64
	logged int64
	state  cve.State
	old    struct {
		leaf, erased sql.NullInt64
		state        sql.NullString
	}
}

func changeRows(rows store.Rows, err error) ([]changeRow, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	var all []changeRow
	for rows.Next() {
		var r changeRow
		if err := rows.Scan(&r.place, &r.id, &r.leaf, &r.erased, &r.logged, &r.state, &r.old.leaf, &r.old.erased, &r.old.state); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// change says what became of the record between the bounds.
func (r changeRow) change(b bounds) Change {
	c := Change{ID: r.id, Index: r.place, Time: time.UnixMilli(r.logged).UTC(), New: r.leaf, Old: none, State: r.state}
	// An erasure has a place in the log and none on the source's clock: there it is as if the body had never been.
	goneBy := func(erased, size int64) bool {
		return erased != none && (b.clock == SourceClock || erased < size)
	}
	var wasGone bool
	switch {
	case b.clock == LogClock && r.leaf < b.from:
		c.Old, c.Was = r.leaf, r.state // nothing happened to it but its erasure
	case r.old.leaf.Valid:
		c.Old, c.Was = r.old.leaf.Int64, cve.State(r.old.state.String)
		if wasGone = goneBy(r.old.erased.Int64, b.from); wasGone {
			c.Was = ""
		}
	}
	switch {
	case goneBy(r.erased, b.to):
		c.What, c.State = Erased, ""
	case c.Old == none:
		c.What = Added
	case wasGone, c.Was == cve.Rejected && c.State != cve.Rejected:
		c.What = Restored
	case c.Was != cve.Rejected && c.State == cve.Rejected:
		c.What = Withdrawn
	default:
		c.What = Changed
	}
	return c
}

// times puts the time of the erasure where one is the change: rows tell when their version came.
func (s *Service) times(ctx context.Context, tx *store.Tx, list []Change) (err error) {
	for i := range list {
		if c := &list[i]; c.Index != c.New {
			if c.Time, err = s.leafTime(ctx, tx, c.Index); err != nil {
				return err
			}
		}
	}
	return nil
}

// Since is the feed of the log: every leaf from cursor on that brought a version of a record, or erased the current one, in the
// order of the log, at most limit (0 means 100). It also returns the cursor for the next call, which neither skips nor repeats
// a leaf. A cursor that the log has not reached is ErrAt.
func (s *Service) Since(ctx context.Context, cursor int64, limit int) ([]Change, int64, error) {
	if limit <= 0 {
		limit = changesLimit
	}
	var out []Change
	next := cursor
	err := s.db.View(ctx, func(tx *store.Tx) error {
		head, err := s.log.Head(ctx, tx)
		if err != nil {
			return err
		}
		if cursor < 0 || cursor > head.Size {
			return fmt.Errorf("%w: cursor %d, the log has %d leaves", ErrAt, cursor, head.Size)
		}
		rows, err := changeRows(tx.Query(ctx, changesSince, cursor, cursor, cursor, cursor, limit))
		if err != nil {
			return err
		}
		out = make([]Change, len(rows))
		for i, r := range rows {
			// As if the span were this one leaf.
			out[i] = r.change(bounds{LogClock, r.place, r.place + 1})
		}
		if next = head.Size; len(rows) == limit {
			next = out[limit-1].Index + 1
		}
		return s.times(ctx, tx, out)
	})
	if err != nil {
		return nil, cursor, err
	}
	return out, next, nil
}
