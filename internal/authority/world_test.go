package authority_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

const (
	list     = "00000000000000000000000000000000000000000000000000000000000000aa"
	operator = "11111111-1111-4111-8111-111111111111"
)

// world is a list with the authority's tables and a clock that the test turns.
type world struct {
	db   *store.DB
	log  *ledger.Log
	gate *gate.Gate
	now  time.Time
	rand *lockedRand
}

type lockedRand struct {
	mu sync.Mutex
	r  *rand.ChaCha8
}

func (l *lockedRand) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	if err := db.Migrate(t.Context(), ledger.Schema(), authority.Schema()); err != nil {
		t.Fatal(err)
	}
	w := &world{db: db, log: ledger.New(db), now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		rand: &lockedRand{r: rand.NewChaCha8(sha256.Sum256([]byte("authority")))}}
	w.gate = gate.New(gate.Config{DB: db, Log: w.log, List: list, Operator: operator, Now: func() time.Time { return w.now }, Rand: w.rand,
		Logger: slog.New(slog.DiscardHandler), Projections: []gate.Projection{authority.Projection{}}, Scratch: scratch})
	t.Cleanup(w.gate.Close)
	return w
}

func scratch(ctx context.Context) (*store.DB, func(), error) {
	dir, err := os.MkdirTemp("", "authoritytest-")
	if err != nil {
		return nil, nil, err
	}
	db, err := store.Open(ctx, filepath.Join(dir, "scratch.db"), store.Options{Readers: 1})
	if err == nil {
		err = db.Migrate(ctx, authority.Schema())
	}
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return db, func() { _ = db.Close(); _ = os.RemoveAll(dir) }, nil
}

// try carries out one command and returns its error.
func (w *world) try(t testing.TB, do func(ctx context.Context, tx *store.Tx, turn event.Turn) error) error {
	t.Helper()
	return w.gate.Do(t.Context(), authority.Caller{Role: authority.Operator, Name: "test"}, gate.Command{Action: authority.Act,
		Decide: func(ctx context.Context, turn *gate.Turn) error { return do(ctx, turn.Tx, turn) }})
}

// do carries out one command that must succeed.
func (w *world) do(t testing.TB, do func(ctx context.Context, tx *store.Tx, turn event.Turn) error) {
	t.Helper()
	if err := w.try(t, do); err != nil {
		t.Fatal(err)
	}
}

func (w *world) view(t testing.TB, do func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := w.db.View(t.Context(), func(tx *store.Tx) error { return do(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
}

// register makes an organisation.
func (w *world) register(t testing.TB, n authority.NewOrg) (o authority.Org) {
	t.Helper()
	w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
		o, err = authority.Register(ctx, tx, turn, n)
		return err
	})
	return o
}

// org makes an organisation of a short name with roles.
func (w *world) org(t testing.TB, short string, roles ...authority.OrgRole) authority.Org {
	t.Helper()
	return w.register(t, authority.NewOrg{Short: short, Name: "The " + short, Roles: roles})
}

// cheap is a hash that costs nothing; nobody knows its key.
const cheap = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$7mIMvtfBLKHZ8JiOpCmVvNwTrPaIMHcqkSiuIA2IKkg"

// user adds a user without a secret.
func (w *world) user(t testing.TB, org, name string, roles ...string) (u authority.User) {
	t.Helper()
	w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
		u, err = authority.AddUser(ctx, tx, turn, authority.NewUser{Org: org, Username: name, Roles: roles})
		return err
	})
	return u
}

// standing reads what a user may do.
func (w *world) standing(t testing.TB, u authority.User) (s authority.Standing) {
	t.Helper()
	w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = authority.StandingOf(ctx, tx, w.now, authority.Caller{Role: authority.Member, Org: u.Org, User: u.ID})
		return err
	})
	return s
}

// erase erases the body of a leaf.
func (w *world) erase(t testing.TB, leaf int64) {
	t.Helper()
	w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
		if _, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "gdpr-17"}, nil); err != nil {
			return err
		}
		return w.log.Erase(ctx, tx, leaf)
	})
}

func (w *world) size(t testing.TB) (n int64) {
	t.Helper()
	w.view(t, func(ctx context.Context, tx *store.Tx) error {
		h, err := w.log.Head(ctx, tx)
		n = h.Size
		return err
	})
	return n
}

// replayed fails when folding the log again gives other tables.
func (w *world) replayed(t testing.TB) {
	t.Helper()
	if got, err := w.gate.Replay(t.Context(), false, nil); err != nil {
		t.Fatalf("replay: %v %x", err, got)
	}
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

func ptr[T any](v T) *T { return &v }
