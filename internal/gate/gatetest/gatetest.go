// Package gatetest gives neighbours a whole list to test against: a gate over a fresh store, with the real registry and
// catalogue behind it and a clock that the test turns.
package gatetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/drafts"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gcve"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
)

// List is the list id of every list made here.
const List = "00000000000000000000000000000000000000000000000000000000000000aa"

// Operator is the organisation that writes.
const Operator = "11111111-1111-4111-8111-111111111111"

// World is one list with everything that reads it.
type World struct {
	DB        *store.DB
	Log       *ledger.Log
	Gate      *gate.Gate
	Catalogue *catalogue.Service
	Clock     *Clock
}

// Clock is a clock that stands still until it is turned.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// Now is the clock's time.
func (c *Clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

// Add turns the clock, back too.
func (c *Clock) Add(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// New opens a list over a fresh store.
func New(t testing.TB, db *store.DB) *World {
	t.Helper()
	ctx := context.Background()
	if err := db.Migrate(ctx, ledger.Schema(), registry.Schema(), catalogue.Schema(), authority.Schema(), governance.Schema(), drafts.Schema(), gcve.Schema()); err != nil {
		t.Fatal(err)
	}
	w := &World{DB: db, Log: ledger.New(db), Clock: &Clock{t: time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)}}
	logger := slog.New(slog.DiscardHandler)
	w.Catalogue = catalogue.New(db, w.Log, w.Clock.Now, logger)
	w.Gate = gate.New(gate.Config{DB: db, Log: w.Log, List: List, Operator: Operator, Now: w.Clock.Now, Rand: newRand(), Logger: logger,
		Projections: []gate.Projection{registry.Projection{}, authority.Projection{}, catalogue.Projection{}, governance.Projection{}, gcve.Projection{}}, Scratch: Scratch})
	t.Cleanup(w.Gate.Close)
	if err := w.Catalogue.Warm(ctx, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// Scratch opens a store for a check: what gate.Config.Scratch asks for.
func Scratch(ctx context.Context) (*store.DB, func(), error) {
	dir, err := os.MkdirTemp("", "gatetest-")
	if err != nil {
		return nil, nil, err
	}
	discard := func() { _ = os.RemoveAll(dir) } // the system clears what is left there
	db, err := store.Open(ctx, filepath.Join(dir, "scratch.db"), store.Options{Readers: 1})
	if err == nil {
		if err = db.Migrate(ctx, registry.Schema(), authority.Schema(), catalogue.Schema(), governance.Schema(), gcve.Schema()); err != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if err != nil {
		discard()
		return nil, nil, err
	}
	return db, func() { _ = db.Close(); discard() }, nil // nothing in it is wanted
}

// newRand is a source of salts that gives the same ones in every run.
func newRand() io.Reader {
	return &lockedReader{r: rand.NewChaCha8(sha256.Sum256([]byte("gatetest")))}
}

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Importer is the caller that Import uses.
var Importer = authority.Caller{Role: authority.Operator, Name: "test"}

// Import brings documents in as one command and returns what became of each.
func (w *World) Import(t testing.TB, raws ...[]byte) []registry.Verdict {
	t.Helper()
	docs := make([]*event.Doc, len(raws))
	for i, raw := range raws {
		var err error
		if docs[i], err = w.Gate.Pack(event.RecordImported, raw); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]registry.Verdict, len(raws))
	err := w.Gate.Do(context.Background(), Importer, gate.Command{Action: authority.Import, Bulk: true, Decide: func(ctx context.Context, turn *gate.Turn) error {
		base, err := registry.Base(ctx, turn.Tx)
		if err != nil {
			return err
		}
		for i, d := range docs {
			if out[i], _, err = registry.Import(ctx, turn.Tx, d, base, time.Time{}, turn.Emit); err != nil {
				return err
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Note closes an import, so that the list is past its beginning.
func (w *World) Note(t testing.TB, source string) {
	t.Helper()
	err := w.Gate.Do(context.Background(), Importer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, turn *gate.Turn) error {
		return registry.NoteImport(ctx, source, [32]byte{1}, false, map[string]int64{"added": 1}, turn.Emit)
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Erase erases the body of a leaf, as one command.
func (w *World) Erase(t testing.TB, leaf int64) {
	t.Helper()
	err := w.Gate.Do(context.Background(), Importer, gate.Command{Action: authority.Govern, Decide: func(ctx context.Context, turn *gate.Turn) error {
		if _, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "gdpr-17"}, nil); err != nil {
			return err
		}
		return w.Log.Erase(ctx, turn.Tx, leaf)
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Size is how many leaves the log has.
func (w *World) Size(t testing.TB) int64 {
	t.Helper()
	var size int64
	if err := w.DB.View(context.Background(), func(tx *store.Tx) error {
		h, err := w.Log.Head(context.Background(), tx)
		size = h.Size
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return size
}
