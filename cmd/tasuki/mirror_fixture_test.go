package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/spec/c2sp"
)

// place is an address on loopback at which nodes come and go.
type place struct {
	url  string
	door atomic.Pointer[http.Handler]
	// through sees every request first; nil lets all pass.
	through atomic.Pointer[func(w http.ResponseWriter, r *http.Request, door http.Handler)]
}

func newPlace(t testing.TB) *place {
	p := &place{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		door := p.door.Load()
		if door == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if f := p.through.Load(); f != nil {
			(*f)(w, r, *door)
			return
		}
		(*door).ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	p.url = s.URL
	return p
}

// let serves a node at the place; nil for nobody.
func (p *place) let(k *kitNode) {
	if k == nil {
		p.door.Store(nil)
		return
	}
	p.door.Store(&k.door)
}

// pass sets what sees every request first.
func (p *place) pass(f func(w http.ResponseWriter, r *http.Request, door http.Handler)) {
	if f == nil {
		p.through.Store(nil)
		return
	}
	p.through.Store(&f)
}

// mirrored is a list with an operator and mirrors, each a node of its own on loopback.
type mirrored struct {
	t        *testing.T
	operator *kitNode
	at       *place
	mirrors  []*kitNode
	places   []*place
	keys     []*charter.RoleKey
	keyFiles []string
	sources  []string   // of mirrors opened next; nil for the operator
	options  kitOptions // of the operator
	stops    []func()
	stop     func() // the operator's work
}

// newMirrored founds a list with m mirrors of which q have to have stored what counts. begin fills the list before it gets them; change alters the charter
// beyond that. Nobody works yet.
func newMirrored(t *testing.T, m, q int, o kitOptions, begin func(*kitNode), change func(*charter.Charter)) *mirrored {
	t.Helper()
	w := &mirrored{t: t, at: newPlace(t), options: o}
	if w.options.dir == "" {
		w.options.dir = filepath.Join(t.TempDir(), "operator")
	}
	var list []charter.Mirror
	for i := range m {
		private, err := charter.NewKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		k := &charter.RoleKey{Role: charter.RoleMirror, Name: fmt.Sprintf("m%d.example/tasuki", i+1), Private: private}
		file := filepath.Join(t.TempDir(), "mirror.key")
		if err := k.WriteFile(file); err != nil {
			t.Fatal(err)
		}
		vkey, err := k.VKey()
		if err != nil {
			t.Fatal(err)
		}
		w.places, w.keys, w.keyFiles = append(w.places, newPlace(t)), append(w.keys, k), append(w.keyFiles, file)
		list = append(list, charter.Mirror{VKey: vkey.String(), URL: w.places[i].url})
	}
	k := openKit(t, w.options)
	if begin != nil {
		begin(k)
	}
	k.close(t)
	w.options.seed = nil
	w.nextEpoch(func(c *charter.Charter) {
		c.Operator.URL = w.at.url
		c.Mirrors = &charter.Mirrors{Q: int64(q), List: list}
		if change != nil {
			change(c)
		}
	})
	return w
}

// nextEpoch lets the board open an epoch over the operator's directory, which nobody holds.
func (w *mirrored) nextEpoch(change func(*charter.Charter)) {
	t := w.t
	t.Helper()
	dir := w.options.dir
	board, err := charter.ReadBoardKey(filepath.Join(dir, boardKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	private, err := charter.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := charter.LogKey{Private: private}
	held, err := openDataDir(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // a test's
	setup := w.setup(held)
	db, err := store.Open(t.Context(), setup.dsn(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sql := &continuity.SQL{DB: db, Log: ledger.New(db), Rand: rand.Reader}
	tree, err := sql.Stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var chain *charter.Chain
	if err := db.View(t.Context(), func(tx *store.Tx) (err error) { chain, err = charter.Load(t.Context(), tx); return err }); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	doc, err := chain.OpenEpoch(time.Now, charter.Epoch{Log: key.Public(), Size: tree.Size, Root: tree.Root, Change: change})
	if err != nil {
		t.Fatal(err)
	}
	doc.Sign(board.ID, board.Private)
	key.Origin = doc.Origin()
	file := filepath.Join(t.TempDir(), "next.key")
	if err := key.WriteFile(file); err != nil {
		t.Fatal(err)
	}
	raw, err := doc.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := promoteNode(t.Context(), setup, PromoteRequest{Charters: [][]byte{raw}, Key: file, NoEscrow: true}, quiet{}); err != nil {
		t.Fatal(err)
	}
}

func (w *mirrored) setup(held *DataDir) Setup {
	c := defaultConfig()
	c.BaseURL, c.Store = w.at.url, w.options.store
	now := w.options.now
	if now == nil {
		now = time.Now
	}
	return Setup{Config: c, Dir: held, Log: slog.New(slog.DiscardHandler), Now: now, Rand: rand.Reader}
}

// work opens the operator and its mirrors, and lets all of them work.
func (w *mirrored) work() {
	w.t.Helper()
	w.operate()
	for i := range w.places {
		w.mirror(i, kitOptions{now: w.options.now})
	}
}

// operate opens the operator's node.
func (w *mirrored) operate() {
	w.t.Helper()
	w.operator = openKit(w.t, w.options)
	w.stop = w.operator.run(w.t)
	w.at.let(w.operator)
}

// mirror opens mirror i.
func (w *mirrored) mirror(i int, o kitOptions) *kitNode {
	w.t.Helper()
	sources := w.sources
	if sources == nil {
		sources = []string{w.at.url}
	}
	o.mirror = &mirrorRole{List: w.list(), Sources: sources, Key: w.keyFiles[i], Test: true}
	o.level = "error"
	k := openKit(w.t, o)
	for len(w.mirrors) <= i {
		w.mirrors, w.stops = append(w.mirrors, nil), append(w.stops, nil)
	}
	w.mirrors[i], w.stops[i] = k, k.run(w.t)
	w.places[i].let(k)
	return k
}

func (w *mirrored) list() string { return w.operator.chain.ListID() }

// published waits until the operator has published everything that its log holds.
func (w *mirrored) published() {
	w.t.Helper()
	size, err := w.operator.size(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	soon(w.t, time.Minute, func() string {
		if cp := w.operator.checkpoint.Load(); cp == nil || cp.Size < size {
			return fmt.Sprintf("%d leaves are not published", size)
		}
		return ""
	})
}

// caughtUp waits until a mirror holds and shows what the operator has published.
func (w *mirrored) caughtUp(i int) {
	w.t.Helper()
	soon(w.t, time.Minute, func() string {
		want, got := w.operator.checkpoint.Load(), w.mirrors[i].checkpoint.Load()
		if got == nil || want == nil || got.Size < want.Size {
			return fmt.Sprintf("mirror %d: %+v", i+1, w.mirrors[i].follower.State())
		}
		return ""
	})
}

// status is what "tasuki mirror status" would say.
func (k *kitNode) mirrorState(t testing.TB) mirrorAnswer {
	t.Helper()
	got, err := k.mirrorStatus(context.Background(), struct{}{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// lines counts the lines of a published note by the names of who signed.
func signedBy(t testing.TB, note []byte) (names []string) {
	t.Helper()
	n, err := c2sp.ParseNote(note)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range n.Lines {
		names = append(names, l.Name)
	}
	return names
}

// evidenceOf are the kinds of evidence that a node keeps.
func evidenceOf(t testing.TB, k *kitNode) (kinds []string) {
	t.Helper()
	list, err := k.continuity.Evidence(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		kinds = append(kinds, string(e.Kind)+": "+e.Text)
	}
	return kinds
}

func contains(list []string, part string) bool {
	for _, s := range list {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}
