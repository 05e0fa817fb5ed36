package catalogue

import (
	"context"
	"slices"
	"sync"

	"tasuki/internal/store"
	"tasuki/internal/store/facet"
)

var (
	pastOverLog        = q.Get("past_over_log")
	pastOverSource     = q.Get("past_over_source")
	pastOverSourceMore = q.Get("past_over_source_more")
	pastErased         = q.Get("past_erased")
)

// A search of the past is answered from two indexes. The present one answers for the records that have not changed since; an
// overlay, made from catalogue_past, for those that have, as they were. A version is in exactly one of them: as soon as the
// present index has taken a newer one up, the old one no longer is of the size or source time asked for, and the overlay's number
// "until" says from which leaf on it answers. So both can be read one after the other while the list grows.

// overlay is an index of the versions that stood at one point and were superseded since.
type overlay struct {
	at    point
	index *facet.Index

	turn chan struct{} // its holder reads and writes what follows
	head int64         // every version that was superseded below this leaf is in
	done bool          // it was brought to the log's head once
}

// The overlays that are kept: an overlay of a moment long ago costs as much as the present index, both in memory and to make.
const (
	keptOverlays = 4
	keptVersions = 500_000 // of all kept overlays; the newest is kept whatever it has
)

// overlays are those that were asked for last, first of all the last one.
type overlays struct {
	mu   sync.Mutex
	list []*overlay
	// making lets one overlay be made at a time: whoever asks for many moments at once waits, and others' memory stands.
	making chan struct{}
}

func newOverlays() overlays { return overlays{making: make(chan struct{}, 1)} }

// get returns the overlay of p, perhaps a new and empty one.
func (l *overlays) get(p point) *overlay {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.blank = false // says nothing of which versions stood
	i := slices.IndexFunc(l.list, func(o *overlay) bool { return o.at == p })
	if i < 0 {
		o := &overlay{at: p, index: facet.New(indexSchema), turn: make(chan struct{}, 1)}
		l.list = slices.Insert(l.list, 0, o)
	} else {
		o := l.list[i]
		l.list = slices.Insert(slices.Delete(l.list, i, i+1), 0, o)
	}
	held := 0
	for i, o := range l.list {
		if held += o.index.Len(); i > 0 && (i == keptOverlays || held > keptVersions) {
			clear(l.list[i:])
			l.list = l.list[:i]
			break
		}
	}
	return l.list[0]
}

func (l *overlays) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}

// asOf is the query as it is asked of a moment of the past.
func (q Query) asOf(m Moment) Query {
	switch {
	case !q.Now.IsZero():
	case m.At.Size > 0:
		q.Now = m.Time
	default:
		q.Now = m.At.Time
	}
	if q.Sort == Relevance {
		q.Sort = Newest // scores of two indexes do not compare
	}
	return q
}

// searchPast answers fq for the list as it was at p. The answer covers the log as far as the present index.
func (s *Service) searchPast(ctx context.Context, p point, fq facet.Query) (facet.Result, error) {
	unchanged := facet.Range{Num: "leaf", Min: 0, Max: p.size - 1}
	if p.clock == SourceClock {
		unchanged = facet.Range{Num: "source", Min: facet.Absent + 1, Max: p.ms}
	}
	for try := 0; ; try++ {
		now, err := s.index.Part(ctx, fq, unchanged)
		if err != nil {
			return facet.Result{}, err
		}
		if p.clock == LogClock && p.size >= now.Seq {
			return facet.Join(fq, now), nil // nothing has changed since
		}
		o := s.overlays.get(p)
		head, err := s.overlay(ctx, o, now.Seq)
		if err != nil {
			return facet.Result{}, err
		}
		// By the source's clock a late leaf can bring an old time, which takes versions out of the overlay again: both have to be
		// of one size. The log's clock never takes back.
		if p.clock == SourceClock && head > now.Seq && try < 4 {
			if err := s.follow(ctx, upTo(head), nil); err != nil {
				return facet.Result{}, err
			}
			continue
		}
		then, err := o.index.Part(ctx, fq, facet.Range{Num: "until", Min: 0, Max: now.Seq - 1})
		if err != nil {
			return facet.Result{}, err
		}
		return facet.Join(fq, now, then), nil
	}
}

// overlay brings o at least to size and returns how far it is. Those who ask for one overlay take turns: one does the work, and
// whoever gives up leaves what was done to the next.
func (s *Service) overlay(ctx context.Context, o *overlay, size int64) (int64, error) {
	if err := take(ctx, o.turn); err != nil {
		return 0, err
	}
	defer func() { <-o.turn }()
	if o.done && o.head >= size {
		return o.head, nil
	}
	if !o.done {
		if err := take(ctx, s.overlays.making); err != nil {
			return 0, err
		}
		defer func() { <-s.overlays.making }()
	}
	var head int64
	read := func(ctx context.Context, each func(row) error) error {
		return s.db.View(ctx, func(tx *store.Tx) error {
			h, err := s.log.Head(ctx, tx)
			if err != nil {
				return err
			}
			head = h.Size
			return o.read(ctx, tx, each)
		})
	}
	err := fill(ctx, o.index, read, func(rows []row) {
		// Rows come in the order of until, so that an interrupted filling goes on behind the last of them.
		o.head = max(o.head, rows[len(rows)-1].until)
	})
	if err != nil {
		return 0, err
	}
	o.head, o.done = head, true
	return head, nil
}

func take(ctx context.Context, turn chan struct{}) error {
	select {
	case turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// read gives each what the overlay has to learn: without an entry, versions that it may hold and that were erased or no longer
// stand, then those that were superseded at or after its head and stood at its point, in the order of until.
func (o *overlay) read(ctx context.Context, tx *store.Tx, each func(row) error) error {
	p, from := o.at, o.head
	stood := func(r row, thru int64) bool {
		if p.clock == SourceClock {
			return r.source <= p.ms && p.ms < thru
		}
		return r.version < p.size && p.size <= r.until
	}
	if from > 0 {
		err := pastRowsOf(ctx, tx, func(r row, thru int64) error {
			if !stood(r, thru) {
				return nil
			}
			r.until = 0 // says nothing of how far the overlay is
			return each(r)
		}, pastErased, from)
		if err != nil {
			return err
		}
	}
	query, args := pastOverLog, []any{from, p.size, p.size}
	switch {
	case p.clock == SourceClock && from == 0:
		query, args = pastOverSource, []any{p.ms, p.ms}
	case p.clock == SourceClock:
		query, args = pastOverSourceMore, []any{from, p.ms, p.ms}
	}
	return pastRowsOf(ctx, tx, func(r row, thru int64) error {
		if !stood(r, thru) {
			r.entry = gone // and with it what the overlay may hold of the record: a newer leaf is older by the source's clock
		}
		return each(r)
	}, query, args...)
}

// pastRowsOf reads rows of catalogue_past as an index learns them.
func pastRowsOf(ctx context.Context, tx *store.Tx, fn func(r row, thru int64) error, query *store.Query, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // Err below says what went wrong
	for rows.Next() {
		var r row
		var thru, erased int64
		if err := rows.Scan(&r.until, &r.id, &r.version, &r.changed, &r.source, &thru, &erased, &r.entry); err != nil {
			return err
		}
		r.leaf = max(r.until, erased)
		if err := fn(r, thru); err != nil {
			return err
		}
	}
	return rows.Err()
}
