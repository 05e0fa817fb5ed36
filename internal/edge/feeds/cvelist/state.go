package cvelist

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"tasuki/spec/cve"
)

// State is where a Sync keeps how far it is; jobs.Cursors is one.
type State interface {
	Load(ctx context.Context, name string) ([]byte, error) // nil when there is none
	Save(ctx context.Context, name string, value []byte) error
}

// progress is what is kept of one source. Losing it costs a baseline, never data.
type progress struct {
	// Cursor is the fetchTime of the newest change set whose records were all taken in or stand in Pending.
	Cursor   time.Time  `json:"cursor,omitzero"`
	Baseline lastBase   `json:"baseline"`
	Delta    Validators `json:"delta"`     // of delta.json as of Cursor
	DeltaLog Validators `json:"delta_log"` // of deltaLog.json as of Cursor
	// Pending are records that are known to have changed and are not here yet: the queue between noticing and fetching.
	Pending map[cve.ID]pending `json:"pending,omitempty"`
	Gap     *Gap               `json:"gap,omitempty"`
	Looked  time.Time          `json:"looked,omitzero"` // for a baseline that would heal the gap
}

type lastBase struct {
	URL  string    `json:"url,omitempty"`
	Time time.Time `json:"time,omitzero"` // everything published before it was inside
	Done time.Time `json:"done,omitzero"` // when it was imported
}

type pending struct {
	Since   time.Time `json:"since"`
	Updated time.Time `json:"updated,omitzero"` // dateUpdated as announced
	Tries   int       `json:"tries,omitempty"`
}

// Gap is a stretch of the source's history of which changes may be missing. A baseline made after Until heals it.
type Gap struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
	Since  time.Time `json:"since"` // noticed
}

// widen notes a gap, keeping the first reason and the latest end.
func (p *progress) widen(reason string, until, now time.Time) {
	if p.Gap == nil {
		p.Gap = &Gap{Reason: reason, Until: until, Since: now}
	} else if until.After(p.Gap.Until) {
		p.Gap.Until = until
	}
}

func (s *Sync) key() string { return Feed + ":" + PublicName(s.Mirror.Base) }

func (s *Sync) load(ctx context.Context) (*progress, error) {
	p := &progress{}
	raw, err := s.State.Load(ctx, s.key())
	if err != nil {
		return nil, err
	}
	if raw != nil {
		if err := json.Unmarshal(raw, p); err != nil {
			// Operational data of another version: begin anew rather than stand still.
			s.log.WarnContext(ctx, "sync state not readable, starting with a baseline", "source", s.key(), "error", err)
			p = &progress{}
		}
	}
	if p.Pending == nil {
		p.Pending = map[cve.ID]pending{}
	}
	return p, nil
}

func (s *Sync) save(ctx context.Context, p *progress) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	// What was done is also remembered when the run is being stopped.
	if err := s.State.Save(context.WithoutCancel(ctx), s.key(), raw); err != nil {
		return fmt.Errorf("remember how far %s is: %w", s.key(), err)
	}
	return nil
}
