package program_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve/schema"
	"tasuki/spec/dsse"
)

// withAdmins lets the callers of the world be administrators of their organisations.
func withAdmins(t *testing.T, w *world) *world {
	t.Helper()
	for _, short := range []string{"secretariat", "acme", "other"} {
		_, key, err := w.AddUser(t.Context(), operator, short, authority.NewUser{Username: "adm@" + short, Roles: []string{authority.Admin}})
		if err != nil {
			t.Fatal(err)
		}
		if w.callers[short], err = w.Login(t.Context(), short, "adm@"+short, key, "test"); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// signer is an organisation with keys of its own.
type signer struct {
	w     *world
	id    string
	short string
	key   ed25519.PrivateKey
}

func keyOf(n byte) ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, 32)) }

func publicOf(key ed25519.PrivateKey) string { return dsse.EncodeKey(key.Public().(ed25519.PublicKey)) }

func (w *world) signer(t *testing.T, short string, seed byte) *signer {
	t.Helper()
	o, err := w.Org(t.Context(), w.callers["secretariat"], short)
	if err != nil {
		t.Fatal(err)
	}
	return &signer{w, o.ID, short, keyOf(seed)}
}

// seal signs an event of the organisation; what is not set is set.
func (s *signer) seal(t *testing.T, e event.Event, body []byte) []byte {
	t.Helper()
	if e.At.IsZero() {
		e.At = s.w.Clock.Now()
	}
	if e.By == "" {
		e.By = s.id
	}
	if e.List == "" {
		e.List = s.w.Gate.List
	}
	sub, err := event.Seal(rand.NewChaCha8([32]byte{byte(e.At.UnixMilli())}), &e, body, func(raw []byte) (ledger.Sig, error) { return event.SignBytes(s.key, raw), nil })
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sub.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// first is the first publication of a number of the organisation's block.
func (s *signer) first(t *testing.T, id, title string) []byte {
	t.Helper()
	return s.put(t, event.Event{Kind: event.RecordPut, Cont: "cna", ID: id, Reserved: s.w.Clock.Now().Add(-time.Hour).Truncate(time.Second), Short: s.short}, title)
}

func (s *signer) put(t *testing.T, e event.Event, title string) []byte {
	t.Helper()
	body, err := program.SignedBody([]byte(strings.Replace(container, `"T"`, `"`+title+`"`, 1)), s.id, s.short)
	if err != nil {
		t.Fatal(err)
	}
	e.DV = schema.Current
	return s.seal(t, e, body)
}

func (w *world) submit(t *testing.T, raw []byte) program.Accepted {
	t.Helper()
	got, err := w.SubmitEvent(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func (w *world) refused(t *testing.T, what string, raw []byte, want error) {
	t.Helper()
	size := w.Size(t)
	if got, err := w.SubmitEvent(t.Context(), raw); !errors.Is(err, want) || w.Size(t) != size {
		t.Errorf("%s: %+v, %v; want %v", what, got, err, want)
	}
}

type kept []program.Conflict

func (k *kept) Conflict(_ context.Context, c program.Conflict) error { *k = append(*k, c); return nil }

// grant gives an organisation a block of this year for its node's key.
func (w *world) grant(t *testing.T, s *signer, size int64) registry.Block {
	t.Helper()
	b, err := w.GrantBlock(t.Context(), w.callers["secretariat"], program.NewBlock{Org: s.short, Year: int64(w.Clock.Now().Year()), Size: size, Key: publicOf(s.key)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b blockOf) id(n int64) string { return fmt.Sprintf("CVE-%04d-%04d", b.Year, b.First+n) }

type blockOf struct{ registry.Block }

// A number that an authority assigned by itself is published by its node's signature alone, once, and belongs to it from then on; before
// that nobody learns whose it is.
func TestAnAuthorityPublishesFromItsBlock(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		evidence := &kept{}
		w.Evidence = evidence
		acme := w.signer(t, "acme", 1)
		b := blockOf{w.grant(t, acme, 1000)}
		id := b.id(41)
		for who, owner := range map[string]string{"acme": "acme", "other": "acme"} { // the surface shows strangers no owner of a reserved one
			got, err := w.ID(t.Context(), w.callers[who], id)
			if err != nil || got.State != "RESERVED" || got.OwnerName != owner || got.Whole != (who == "acme") {
				t.Errorf("%s sees %+v (%v)", who, got, err)
			}
		}
		if _, err := w.ChangeID(t.Context(), w.callers["acme"], id, program.IDChange{}); !errors.Is(err, program.ErrNotOwner) || !errors.Is(err, registry.ErrInBlock) {
			t.Errorf("changed before it was published: %v", err)
		}
		if blocks, err := w.PublicBlocks(t.Context()); err != nil || len(blocks) != 1 || blocks[0].Owner != "" {
			t.Errorf("everybody sees %+v (%v)", blocks, err)
		}
		raw := acme.first(t, id, "One")
		got := w.submit(t, raw)
		if again := w.submit(t, raw); !again.Known || again.Leaf != got.Leaf || got.Known {
			t.Errorf("handed in twice: %+v, %+v", got, again)
		}
		shown, err := w.ID(t.Context(), w.callers["other"], id)
		if err != nil || shown.State != "PUBLISHED" || shown.OwnerName != "acme" || !shown.Opened || !shown.Reserved.Equal(w.Clock.Now().Add(-time.Hour).Truncate(time.Second)) {
			t.Errorf("published: %+v (%v)", shown, err)
		}
		if blocks, err := w.PublicBlocks(t.Context()); err != nil || blocks[0].Owner != acme.id {
			t.Errorf("the first publication opens nothing: %+v (%v)", blocks, err)
		}
		// A second lane gave the same number out.
		w.refused(t, "a cloned lane", acme.first(t, id, "Another"), registry.ErrPrev)
		if len(*evidence) != 1 || (*evidence)[0].ID != id || (*evidence)[0].Leaf != got.Leaf {
			t.Fatalf("evidence: %+v", *evidence)
		}
		if refused := string((*evidence)[0].Refused); !strings.Contains(refused, `"payload"`) || strings.Contains(refused, `"body"`) {
			t.Errorf("what was refused: %s", refused)
		}
		// An update says what it follows.
		next, err := w.NextFor(t.Context(), id, "cna", acme.id)
		if err != nil || next.First || len(next.Prev) != 64 {
			t.Fatalf("%+v (%v)", next, err)
		}
		update := event.Event{Kind: event.RecordPut, Cont: "cna", ID: id, Prev: next.Prev}
		w.submit(t, acme.put(t, update, "Two"))
		w.refused(t, "an update of what was updated", acme.put(t, update, "Three"), registry.ErrPrev)
		if len(*evidence) != 1 {
			t.Errorf("an update that came late is evidence: %+v", *evidence)
		}
		// Signed in, the same organisation goes on with the same record, and begins another.
		for n, id := range []string{id, b.id(42)} {
			want := []program.Want{program.WantOne, program.WantNone}[n]
			if _, err := w.Publish(t.Context(), w.callers["acme"], program.Submission{ID: id, Container: []byte(container), Want: want}); err != nil {
				t.Errorf("%s by the API: %v", id, err)
			}
		}
		w.follow(t)
	})
}

func TestSignedEventsAreRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		acme, other := w.signer(t, "acme", 1), w.signer(t, "other", 2)
		b := blockOf{w.grant(t, acme, 200)}
		theirs := blockOf{w.grant(t, other, 200)}
		reserved := w.reserve(t, "acme", 2)
		stranger := &signer{w, acme.id, "acme", keyOf(9)}
		w.refused(t, "a key of nobody", stranger.first(t, b.id(1), "x"), authority.ErrSigner)
		w.refused(t, "another's block", acme.first(t, theirs.id(1), "x"), authority.ErrSigner)
		w.refused(t, "a lane's key outside of its block", acme.first(t, reserved[0], "x"), authority.ErrSigner)
		if err := w.AddKey(t.Context(), w.callers["acme"], program.NewKey{Org: "acme", Key: publicOf(acme.key), Label: "node", Use: event.UseEvents}); err != nil {
			t.Fatal(err)
		}
		w.refused(t, "another's block, by a key of all", acme.first(t, theirs.id(1), "x"), program.ErrNotOwner)
		w.refused(t, "no block", acme.first(t, "CVE-2026-49000001", "x"), program.ErrNotOwner)
		w.refused(t, "another time than it was reserved", acme.first(t, reserved[0], "x"), registry.ErrClaim)
		future := event.Event{Kind: event.RecordPut, Cont: "cna", ID: b.id(1), Reserved: w.Clock.Now(), Short: "acme", At: w.Clock.Now().Add(time.Hour)}
		w.refused(t, "from the future", acme.put(t, future, "x"), program.ErrFuture)
		future.At, future.List = time.Time{}, strings.Repeat("0", 64)
		w.refused(t, "another list's", acme.put(t, future, "x"), gate.ErrForeign)
		future.List, future.Short = "", "evil"
		w.refused(t, "in another's name", acme.put(t, future, "x"), registry.ErrClaim)
		w.refused(t, "a kind that is nobody's to sign", acme.seal(t, event.Event{Kind: event.Heartbeat}, nil), program.ErrKind)
		future.Short, future.DV = "acme", "5.0.0"
		body, err := program.SignedBody([]byte(container), acme.id, "acme")
		if err != nil {
			t.Fatal(err)
		}
		w.refused(t, "another format", acme.seal(t, future, body), program.ErrForm)
		future.DV = schema.Current
		w.refused(t, "another's provider", acme.seal(t, future, []byte(container)), program.ErrForm)
		var invalid *program.InvalidRecord
		empty, err := program.SignedBody([]byte(`{"descriptions":[]}`), acme.id, "acme")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SubmitEvent(t.Context(), acme.seal(t, future, empty)); !errors.As(err, &invalid) {
			t.Errorf("a container without a description: %v", err)
		}
		w.refused(t, "another's container in an event of their own", []byte("{}"), event.ErrSubmission)
		// With the key that signs for all, what was reserved by the API is published.
		next, err := w.NextFor(t.Context(), reserved[0], "cna", acme.id)
		if err != nil || !next.First || next.Reserved.IsZero() || next.Org != "" {
			t.Fatalf("%+v (%v)", next, err)
		}
		put := event.Event{Kind: event.RecordPut, Cont: "cna", ID: reserved[0], Reserved: next.Reserved, Short: "acme"}
		w.submit(t, acme.put(t, put, "reserved"))
		// A closed block gives nothing any more; a revoked key says nothing.
		if err := w.CloseBlock(t.Context(), w.callers["other"], b.Year, b.First, b.Last, "x"); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("another closes it: %v", err)
		}
		kept := b.id(5)
		w.submit(t, acme.first(t, kept, "kept"))
		if err := w.CloseBlock(t.Context(), w.callers["acme"], b.Year, b.First, b.Last, "done"); err != nil {
			t.Fatal(err)
		}
		w.refused(t, "a closed block", acme.first(t, b.id(6), "x"), program.ErrNotOwner)
		w.submit(t, acme.put(t, event.Event{Kind: event.RecordPut, Cont: "cna", ID: kept, Prev: w.prev(t, kept, acme)}, "updated"))
		if err := w.RevokeKey(t.Context(), w.callers["acme"], "acme", publicOf(acme.key), "stolen"); err != nil {
			t.Fatal(err)
		}
		w.refused(t, "a revoked key", acme.put(t, event.Event{Kind: event.RecordPut, Cont: "cna", ID: kept, Prev: w.prev(t, kept, acme)}, "stolen"), authority.ErrSigner)
		w.follow(t)
	})
}

func (w *world) prev(t *testing.T, id string, s *signer) string {
	t.Helper()
	n, err := w.NextFor(t.Context(), id, "cna", s.id)
	if err != nil {
		t.Fatal(err)
	}
	return n.Prev
}

// What attests for itself is changed by its own keys alone: not by its people, not by the Secretariat; it is let go by its own key or by
// who stands over it, with a key.
func TestAttestSelf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		acme, root := w.signer(t, "acme", 1), w.signer(t, "secretariat", 3)
		recovery := &signer{w, acme.id, "acme", keyOf(4)}
		id := w.reserve(t, "acme", 1)[0]
		if err := w.SetAttest(t.Context(), w.callers["acme"], "acme", event.AttestSelf); !errors.Is(err, authority.ErrNoKey) {
			t.Errorf("self without a key: %v", err)
		}
		for _, k := range []program.NewKey{{Org: "acme", Key: publicOf(acme.key), Label: "node", Use: event.UseEvents}, {Org: "acme", Key: publicOf(recovery.key), Label: "paper", Use: event.UseRecovery},
			{Org: "secretariat", Key: publicOf(root.key), Label: "root", Use: event.UseEvents}} {
			if err := w.AddKey(t.Context(), w.callers[k.Org], k); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.AddKey(t.Context(), w.callers["other"], program.NewKey{Org: "acme", Key: publicOf(keyOf(7)), Label: "x", Use: event.UseEvents}); !errors.Is(err, program.ErrNotAbove) {
			t.Errorf("another adds a key: %v", err)
		}
		if err := w.AddKey(t.Context(), w.callers["other"], program.NewKey{Org: "other", Key: publicOf(acme.key), Label: "x", Use: event.UseEvents}); !errors.Is(err, authority.ErrKeyKnown) {
			t.Errorf("another takes the key: %v", err)
		}
		w.submit(t, acme.seal(t, event.Event{Kind: event.AttestSet, Org: acme.id, Mode: event.AttestSelf}, nil))
		for who, err := range map[string]error{
			"its people":      second(w.Publish(t.Context(), w.callers["acme"], program.Submission{ID: id, Container: []byte(container)})),
			"the Secretariat": second(w.Publish(t.Context(), w.callers["secretariat"], program.Submission{ID: id, Container: []byte(container)})),
			"lifting":         w.SetAttest(t.Context(), w.callers["acme"], "acme", event.AttestOperator),
			"by force":        w.SetAttest(t.Context(), operator, "acme", event.AttestOperator),
			"a key":           w.AddKey(t.Context(), w.callers["secretariat"], program.NewKey{Org: "acme", Key: publicOf(keyOf(8)), Label: "x", Use: event.UseEvents}),
		} {
			if !errors.Is(err, authority.ErrNotSigned) {
				t.Errorf("%s: %v", who, err)
			}
		}
		next, err := w.NextFor(t.Context(), id, "cna", acme.id)
		if err != nil {
			t.Fatal(err)
		}
		put := event.Event{Kind: event.RecordPut, Cont: "cna", ID: id, Reserved: next.Reserved, Short: "acme"}
		w.refused(t, "the paper key publishes", recovery.put(t, put, "x"), authority.ErrSigner)
		w.submit(t, acme.put(t, put, "self"))
		// The key is stolen: the one on paper revokes it and adds another; the Root's key lets go.
		w.submit(t, recovery.seal(t, event.Event{Kind: event.KeyRevoked, Org: acme.id, Key: publicOf(acme.key), Reason: "stolen"}, nil))
		fresh := &signer{w, acme.id, "acme", keyOf(5)}
		w.submit(t, recovery.seal(t, event.Event{Kind: event.KeyAdded, Org: acme.id, Key: publicOf(fresh.key), Label: "node-2", Use: event.UseEvents}, nil))
		w.refused(t, "the stolen key", acme.seal(t, event.Event{Kind: event.AttestSet, Org: acme.id, Mode: event.AttestOperator}, nil), authority.ErrSigner)
		w.submit(t, fresh.put(t, event.Event{Kind: event.RecordPut, Cont: "cna", ID: id, Prev: w.prev(t, id, fresh)}, "fresh"))
		w.submit(t, root.seal(t, event.Event{Kind: event.AttestSet, Org: acme.id, Mode: event.AttestOperator}, nil))
		if _, err := w.Publish(t.Context(), w.callers["acme"], program.Submission{ID: id, Container: []byte(container), Want: program.WantOne}); err != nil {
			t.Errorf("let go, and: %v", err)
		}
		w.follow(t)
	})
}

func second[T any](_ T, err error) error { return err }

// A Root grants parts of its own block on, offline; the part is its holder's, and no number is anybody's twice.
func TestSubBlocks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		root, acme := w.signer(t, "other", 2), w.signer(t, "acme", 1)
		if err := w.AddKey(t.Context(), w.callers["other"], program.NewKey{Org: "other", Key: publicOf(root.key), Label: "root", Use: event.UseEvents}); err != nil {
			t.Fatal(err)
		}
		b := blockOf{w.grant(t, root, 1000)}
		salt := [16]byte{3}
		part := func(first, last int64) []byte {
			e := event.Event{Kind: event.BlockGranted, Year: b.Year, First: b.First + first, Last: b.First + last, Owner: event.BlockOwner(salt, acme.id), Key: publicOf(acme.key)}
			sub, _, err := event.ParseSubmission(root.seal(t, e, nil))
			if err != nil {
				t.Fatal(err)
			}
			sub.Opens = &event.Opening{Org: acme.id, Salt: salt}
			raw, err := sub.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			return raw
		}
		w.refused(t, "a part of what was never opened", part(100, 299), registry.ErrBlockTaken)
		w.submit(t, root.first(t, b.id(0), "opens"))
		w.submit(t, part(100, 299))
		for name, raw := range map[string][]byte{"overlapping": part(200, 399), "the whole": part(0, 999), "beyond": part(900, 1100), "a published number": part(0, 99)} {
			w.refused(t, name, raw, registry.ErrBlockTaken)
		}
		w.submit(t, acme.first(t, b.id(100), "of the part"))
		if got, err := w.ID(t.Context(), w.callers["acme"], b.id(100)); err != nil || got.OwnerName != "acme" {
			t.Errorf("%+v (%v)", got, err)
		}
		w.refused(t, "the Root's own lane in the part", root.first(t, b.id(101), "x"), program.ErrNotOwner)
		w.refused(t, "the part's lane outside", acme.first(t, b.id(300), "x"), authority.ErrSigner)
		w.follow(t)
	})
}

// Authorities with a node have numbers for this year and the next, however much they use; nobody gets the same, and the API goes on
// above all of them.
func TestRunway(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		year := int64(w.Clock.Now().Year())
		if n, err := w.TopUp(t.Context(), operator); err != nil || n != 0 {
			t.Fatalf("nobody has a node: %d, %v", n, err)
		}
		acme := w.signer(t, "acme", 1)
		w.grant(t, acme, 100)
		w.grant(t, w.signer(t, "other", 2), 5000)
		if n, err := w.TopUp(t.Context(), operator); err != nil || n != 900+1000+1000 {
			t.Errorf("topped up by %d (%v)", n, err)
		}
		if n, err := w.TopUp(t.Context(), operator); err != nil || n != 0 {
			t.Errorf("topped up again by %d (%v)", n, err)
		}
		all, err := w.PublicBlocks(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i, a := range all {
			for _, b := range all[i+1:] {
				if a.Year == b.Year && a.First <= b.Last && b.First <= a.Last {
					t.Errorf("%+v and %+v overlap", a, b)
				}
			}
			if a.Year == year+1 && a.First <= registry.PriorityEnd {
				t.Errorf("the next year's block begins at %d", a.First)
			}
		}
		for _, id := range w.reserve(t, "acme", 3) {
			for _, b := range all {
				var y, n int64
				if _, err := fmt.Sscanf(id, "CVE-%d-%d", &y, &n); err != nil || y == b.Year && n >= b.First && n <= b.Last {
					t.Errorf("%s was reserved in a block (%v)", id, err)
				}
			}
		}
		for name, n := range map[string]program.NewBlock{"the past": {Org: "acme", Year: year - 1, Size: 100}, "too far": {Org: "acme", Year: year + 2, Size: 100}} {
			if _, err := w.GrantBlock(t.Context(), operator, n); !errors.Is(err, program.ErrYear) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.GrantBlock(t.Context(), w.callers["acme"], program.NewBlock{Org: "acme", Year: year, Size: 100}); !errors.Is(err, authority.ErrNotSecretariat) {
			t.Errorf("an authority grants to itself: %v", err)
		}
		w.follow(t)
	})
}

// follow lets a copy without private facts take every leaf, by the rules: what the operator's acts write, no mirror refuses.
func (w *world) follow(t *testing.T) {
	t.Helper()
	db, done, err := gatetest.Scratch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	m := gatetest.New(t, db)
	mirror := newService(t, m)
	check := func(ctx context.Context, tx *store.Tx, e *event.Entry) error { return mirror.Lawful(ctx, tx, e) }
	for n := range w.Size(t) {
		var s gate.Stored
		err := w.DB.View(t.Context(), func(tx *store.Tx) (err error) {
			s.Index = n
			if s.Leaf, err = w.Log.Leaf(t.Context(), tx, n); err != nil {
				return err
			}
			s.Body, err = w.Log.Body(t.Context(), tx, n)
			if errors.Is(err, ledger.ErrNotFound) {
				err = nil
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		i, err := m.Gate.Inspect(s)
		if err == nil {
			err = m.Gate.Follow(t.Context(), []*gate.Inspected{i}, gate.Following{Check: check})
		}
		if err != nil {
			t.Fatalf("a mirror refuses leaf %d: %v\n%s", n, err, s.Leaf)
		}
	}
}
