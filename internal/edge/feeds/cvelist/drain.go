package cvelist

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// skipped marks a file that turned out not to be there: it is passed over, not refused.
var skipped = new(Refusal)

const (
	// mostFailures in a row end a round: the server is down, and the queue keeps.
	mostFailures = 8
	// saveEvery records the queue is saved, so that a killed process does not ask for everything again.
	saveEvery = 500
)

// drain asks for every record of the queue and imports what comes. A record that is not there, or is older than was
// announced (a cache in between), or is refused, stays in the queue.
func (s *Sync) drain(ctx context.Context, p *progress, res *Result) error {
	ids := p.inOrder()
	if len(ids) == 0 {
		return nil
	}
	limits := s.Importer.Limits.withDefaults()
	if limits.Workers = s.Parallel; limits.Workers <= 0 {
		limits.Workers = 8
	}
	limits.Total = 1 << 62 // each record is bounded, and so is the queue
	w := newWalk(limits)
	g := &gather{sync: s, most: limits.Body + 1, late: map[cve.ID]bool{}}
	settled := 0
	im := *s.Importer
	im.partial = true
	im.Each = func(l Line) {
		if s.Importer.Each != nil {
			s.Importer.Each(l)
		}
		id, err := cve.ParseID(l.ID)
		if err != nil || g.isLate(id) || l.Outcome == Refused {
			return // a refused one may be a proxy's error page: it is asked for again until it is given up
		}
		delete(p.Pending, id)
		if settled++; settled%saveEvery == 0 {
			if err := s.save(ctx, p); err != nil {
				s.log.WarnContext(ctx, "queue not saved", "source", s.key(), "error", err)
			}
		}
	}
	// The dispatcher has its own copy of the queue: im.Each changes the map.
	queue := make([]*task, len(ids))
	for i, id := range ids {
		queue[i] = g.task(ctx, id, p.Pending[id].Updated, limits)
	}
	sum, err := im.source(ctx, PublicName(s.Mirror.Base)+"/cves", w, func() error {
		w.totals(int64(len(queue)), 0)
		for _, t := range queue {
			if g.down() != nil {
				return nil
			}
			if err := w.put(t); err != nil {
				return err
			}
		}
		return nil
	})
	res.Summary.add(sum)
	res.Fetched += g.asked()
	if err == nil && g.down() == nil {
		s.age(p, ids)
	}
	if err := errors.Join(err, s.save(ctx, p)); err != nil {
		return fmt.Errorf("take in changes: %w", err)
	}
	if err := g.down(); err != nil {
		return fmt.Errorf("take in changes: %w", err)
	}
	return nil
}

// age counts another vain attempt for what is still in the queue, and leaves to the next baseline what never came.
func (s *Sync) age(p *progress, ids []cve.ID) {
	now := s.now()
	for _, id := range ids {
		w, ok := p.Pending[id]
		if !ok {
			continue
		}
		w.Tries++
		p.Pending[id] = w
		if w.Tries > 3 && now.Sub(w.Since) > giveUp {
			delete(p.Pending, id)
			p.widen(fmt.Sprintf("%s was announced and is not there", id), now, now)
		}
	}
}

// gather is the workers' side of drain.
type gather struct {
	sync *Sync
	most int64

	mu       sync.Mutex
	late     map[cve.ID]bool // older than announced
	count    int64
	failures int // in a row
	failed   error
}

func (g *gather) isLate(id cve.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.late[id]
}

func (g *gather) asked() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.count
}

// down is why the server is given up for this round, nil while it answers.
func (g *gather) down() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures < mostFailures {
		return nil
	}
	return g.failed
}

// task is a file that a worker fetches. The path is made from the identifier and never from a link in the change set.
func (g *gather) task(ctx context.Context, id cve.ID, announced time.Time, l Limits) *task {
	t := &task{role: roleNamed, file: File{Path: id.Path(), Name: id.String(), Size: min(l.Body, l.Record)}}
	t.read = func(*scratch) ([]byte, *Refusal) { return g.fetch(ctx, id, announced) }
	return t
}

func (g *gather) fetch(ctx context.Context, id cve.ID, announced time.Time) ([]byte, *Refusal) {
	if g.down() != nil {
		return nil, skipped
	}
	r, err := g.sync.Fetch.get(ctx, g.sync.Mirror.Base+"/"+id.Path(), Validators{}, g.most)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count++
	switch {
	case errors.Is(err, ErrTooMuch):
		g.failures = 0
		return nil, refuse(CodeTooLarge, "the source sends more than %d bytes", g.most-1)
	case errors.Is(err, ErrAbsent):
		g.failures = 0
		return nil, skipped
	case err != nil:
		g.failures++
		g.failed = err
		return nil, skipped
	}
	g.failures = 0
	if olderThan(r.body, announced) {
		g.late[id] = true
	}
	return r.body, nil
}

// olderThan reports whether a record states a dateUpdated before the announced one. What cannot be read is for the
// importer to judge.
func olderThan(raw []byte, announced time.Time) bool {
	var h struct {
		Metadata struct {
			Updated string `json:"dateUpdated"`
		} `json:"cveMetadata"`
	}
	if json.Unmarshal(raw, &h) != nil {
		return false
	}
	at, _, err := cve.ParseTime(h.Metadata.Updated)
	return err == nil && at.Before(announced)
}
