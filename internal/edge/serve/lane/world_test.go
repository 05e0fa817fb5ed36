package lane_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/edge/serve/cveservices"
	servelane "tasuki/internal/edge/serve/lane"
	"tasuki/internal/event"
	"tasuki/internal/lane"
	"tasuki/internal/ledger"
	"tasuki/spec/cve/schema"
	"tasuki/spec/dsse"
)

const (
	acme = "1f0c5bd0-0000-4000-8000-000000000001"
	list = "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013"
)

// checks are made once: they take long.
var checks = sync.OnceValues(schema.NewValidator)

// world is an authority's node in a folder, the list being away.
type world struct {
	folder  *lane.Folder
	journal *lane.Journal
	outbox  *lane.Outbox
	node    *servelane.Node
	handler http.Handler
	key     string // of ann
	random  *rand.ChaCha8

	mu   sync.Mutex
	now  time.Time
	prev map[string]string // what was signed last, by identifier
	next map[string]string // what was signed and is not kept yet
	kept int
	base []byte // of every record, as the list would show it
	log  *bytes.Buffer
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) add(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

var signer = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32))

// Next is an author that is never told anything.
func (w *world) Next(_ context.Context, id string) (*event.Event, error) {
	at := w.clock().Truncate(time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	e := &event.Event{At: at, By: acme, List: list, ID: id, DV: schema.Current, Prev: w.prev[id]}
	if e.Prev == "" {
		e.Short, e.Reserved = "acme", at
	}
	return e, nil
}

func (w *world) Seal(e *event.Event, body []byte) (*event.Submission, error) {
	s, err := event.Seal(w.random, e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(signer, raw), nil })
	if err == nil {
		hash := s.Hash()
		w.next = map[string]string{e.ID: hex.EncodeToString(hash[:])}
	}
	return s, err
}

func (w *world) Elsewhere(context.Context, string) []byte { return w.base }

func (w *world) Kept() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kept++
	for id, hash := range w.next {
		w.prev[id] = hash
	}
}

// newWorld has a block of 400 numbers of 2026, of which a quarter is kept for restores, and one of 100 of 2027; ann has a key.
func newWorld(t testing.TB, dir string) *world {
	t.Helper()
	w := &world{random: rand.NewChaCha8([32]byte{5}), now: time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC), prev: map[string]string{}, log: &bytes.Buffer{}}
	f, err := lane.OpenFolder(filepath.Join(dir, "eu"), true)
	if err != nil {
		t.Fatal(err)
	}
	w.folder, w.outbox = f, &lane.Outbox{Disk: f}
	key := dsse.EncodeKey(signer.Public().(ed25519.PublicKey))
	env := lane.Env{Disk: f, Place: f, Now: w.clock, Rand: w.random, Secret: [32]byte{9}}
	if w.journal, err = lane.Init(env, lane.Config{Scheme: "CVE", List: list[:16], Org: "acme", Node: "eu", Key: key}); err != nil {
		t.Fatal(err)
	}
	for _, b := range []lane.Block{{Year: 2026, First: 30001, Last: 30400, Lane: 100, Key: key}, {Year: 2027, First: 20001, Last: 20100, Lane: 100, Key: key}} {
		if err := w.journal.AddBlock(b); err != nil {
			t.Fatal(err)
		}
	}
	if w.key, err = (lane.People{Dir: f.Path()}).Add(w.random, w.clock(), "ann@acme.test"); err != nil {
		t.Fatal(err)
	}
	w.open(t)
	return w
}

// open opens the surface over what is on disk.
func (w *world) open(t testing.TB) {
	t.Helper()
	v, err := checks()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelError}))
	w.node, err = servelane.Open(servelane.Options{Journal: w.journal, Outbox: w.outbox, Disk: w.folder, People: lane.People{Dir: w.folder.Path()}, Author: w,
		Org: acme, Short: "acme", Since: w.clock(), Schema: v, Now: w.clock, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	w.handler = cveservices.HandlerOf(cveservices.OwnOptions{Acts: w.node, Records: w.node, Schema: v}, cveservices.Options{Now: w.clock, Log: log})
}

func (w *world) close(t testing.TB) {
	if err := w.folder.Close(); err != nil {
		t.Error(err)
	}
}

// ask asks as "acme/ann@acme.test [key]", or "-" for nobody.
func (w *world) ask(method, target, as, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	return w.send(r, as, headers...)
}

func (w *world) send(r *http.Request, as string, headers ...string) *httptest.ResponseRecorder {
	who, key, given := strings.Cut(as, " ")
	if !given {
		key = w.key
	}
	if org, user, ok := strings.Cut(who, "/"); ok {
		r.Header.Set("CVE-API-ORG", org)
		r.Header.Set("CVE-API-USER", user)
		r.Header.Set("CVE-API-KEY", key)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec
}
