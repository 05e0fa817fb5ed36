package continuity_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// shelf is a store with a founded list, and the log written by hand.
type shelf struct {
	*continuity.SQL
	t testing.TB
}

func shelve(t *testing.T, db *store.DB, l *list) *shelf {
	t.Helper()
	ctx := context.Background()
	if err := db.Migrate(ctx, ledger.Schema(), charter.Schema(), continuity.Schema()); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(ctx, func(tx *store.Tx) error { return charter.Save(ctx, tx, l.chain) }); err != nil {
		t.Fatal(err)
	}
	return &shelf{&continuity.SQL{DB: db, Log: ledger.New(db), Rand: rand.Reader}, t}
}

// log appends events, each folded as the gate would.
func (s *shelf) log(events ...*event.Event) {
	s.t.Helper()
	for _, e := range events {
		var body *ledger.Body
		if e.Reason != "" { // the test's way to hand over a body
			var err error
			if body, err = ledger.Pack(rand.Reader, []byte(e.Reason)); err != nil {
				s.t.Fatal(err)
			}
			e.Reason, e.Body = "", &event.BodyRef{H: body.Hash, N: body.N}
		}
		raw, err := e.Marshal()
		if err != nil {
			s.t.Fatal(err)
		}
		leaf, err := ledger.Leaf{Event: raw, Stamp: ledger.Stamp{Time: at.UnixMilli(), Back: -1}}.Marshal()
		if err == nil {
			err = s.put(leaf, body)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// put appends one leaf.
func (s *shelf) put(leaf []byte, body *ledger.Body) error {
	ctx := context.Background()
	return s.DB.Update(ctx, func(tx *store.Tx) error {
		head, err := s.Log.Lock(ctx, tx)
		if err != nil {
			return err
		}
		index, err := s.Log.Append(ctx, tx, &head, leaf, body, "")
		if err != nil {
			return err
		}
		entry, err := event.Open(index, leaf, body)
		if err != nil {
			return err
		}
		if err := (continuity.Projection{}).Fold(ctx, tx, entry); err != nil {
			return err
		}
		return s.Log.Save(ctx, tx, head)
	})
}

func (s *shelf) stored() continuity.Tree {
	s.t.Helper()
	t, err := s.Stored(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return t
}

func heartbeat(l *list) *event.Event {
	return &event.Event{At: at, By: l.chain.Head().Charter().Operator.Org, Kind: event.Heartbeat, List: l.chain.ListID()}
}

func opens(l *list, d *charter.Document, at1 continuity.Tree, body []byte) *event.Event {
	return &event.Event{At: at, By: d.Charter().Operator.Org, Kind: event.EpochOpened, List: l.chain.ListID(), Charter: d.Hash(), Epoch: d.Charter().Operator.Epoch,
		Root: fmt.Sprintf("%x", at1.Root[:]), Size: at1.Size, Reason: string(body)}
}

// The statements that record refuse by themselves, whoever asks and whatever is held in memory.
func TestStatementsRefuse(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := found(t, 3, 2, 0, 0)
		s := shelve(t, db, l)
		tr := grow("a", "b", "c", "d", "e")
		other := grow("a", "b", "x", "y", "z")
		signed := func(t continuity.Tree) continuity.Signed { return continuity.Signed{Tree: t, Note: []byte("note")} }
		origin := l.chain.Head().Origin()

		for _, tc := range []struct {
			name string
			put  func(context.Context, string, continuity.Signed) error
		}{{"cosigned", s.Cosign}, {"published", s.Publish}} {
			for _, step := range []struct {
				at   continuity.Tree
				want error
			}{
				{tr.at(3), nil}, {tr.at(3), nil}, {other.at(3), continuity.ErrFork}, {tr.at(2), continuity.ErrStale}, {other.at(2), continuity.ErrStale}, {tr.at(5), nil},
				{tr.at(4), continuity.ErrStale},
			} {
				if err := tc.put(ctx, origin, signed(step.at)); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
					t.Errorf("%s at %d: %v, want %v", tc.name, step.at.Size, err, step.want)
				}
			}
		}
		if p, err := s.Published(ctx, origin); err != nil || p.Tree != tr.at(5) {
			t.Errorf("published: %v, %v", p.Tree, err)
		}
		// A seen note leaves the cosigned one alone, and the other way round.
		if err := s.See(ctx, origin, signed(other.at(4))); err != nil {
			t.Fatal(err)
		}
		if seen, cosigned, err := s.Heads(ctx, origin); err != nil || seen.Tree != other.at(4) || cosigned.Tree != tr.at(5) {
			t.Errorf("heads: %v, %v, %v", seen.Tree, cosigned.Tree, err)
		}

		next := l.next(l.chain, succeed("second"))
		if err := s.Extend(ctx, next, &continuity.Sealing{Origin: origin, Charter: next.Hash(), Entered: true}); err != nil {
			t.Fatal(err)
		}
		for _, at := range []continuity.Tree{tr.at(5), tr.at(4), grow("a", "b", "c", "d", "e", "f").at(6)} {
			if err := s.Cosign(ctx, origin, signed(at)); !errors.Is(err, continuity.ErrSealed) {
				t.Errorf("a sealed origin was cosigned at %d: %v", at.Size, err)
			}
		}
		if err := s.Cosign(ctx, next.Origin(), signed(tr.at(5))); err != nil {
			t.Errorf("the new origin: %v", err)
		}

		a := continuity.Accepted{Tree: tr.at(3), Origin: origin, Epoch: 1, Note: []byte("n"), Newest: at}
		if err := s.Accept(ctx, a); err != nil {
			t.Fatal(err)
		}
		a.Tree = tr.at(2)
		if err := s.Accept(ctx, a); !errors.Is(err, continuity.ErrStale) {
			t.Errorf("a view went back: %v", err)
		}
		a.Tree = other.at(3)
		if err := s.Accept(ctx, a); !errors.Is(err, continuity.ErrStale) {
			t.Errorf("a view changed: %v", err)
		}
		f, err := s.Load(ctx)
		if err != nil || f.Accepted.Tree != tr.at(3) || !f.Accepted.Newest.Equal(at) || f.Chain.Head().Hash() != next.Hash() {
			t.Errorf("load: %+v, %v", f.Accepted, err)
		}
	})
}

// Seals and charters come in one transaction, or neither does.
func TestSealComesWithItsCharter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := found(t, 3, 2, 0, 0)
		s := shelve(t, db, l)
		s.log(opens(l, l.chain.Head(), s.stored(), nil), heartbeat(l))
		next := l.next(l.chain, succeed("second"))
		old := l.chain.Head()
		boom := errors.New("the key is gone")
		err := s.Extend(ctx, next, &continuity.Sealing{Origin: old.Origin(), Charter: next.Hash(), Entered: true,
			Sign: func(continuity.Tree) ([]byte, error) { return nil, boom }})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		if err := s.Cosign(ctx, old.Origin(), continuity.Signed{Tree: s.stored(), Note: []byte("n")}); err != nil {
			t.Errorf("an origin was sealed without its charter: %v", err)
		}
		if f, err := s.Load(ctx); err != nil || f.Chain.Head().Charter().V != 1 {
			t.Errorf("a charter was stored without its seal: %v", err)
		}

		var spoke continuity.Tree
		err = s.Extend(ctx, next, &continuity.Sealing{Origin: old.Origin(), Charter: next.Hash(), Sign: func(stored continuity.Tree) ([]byte, error) {
			spoke = stored
			return []byte("seal"), nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		// It has cosigned under this origin, so it speaks of everything, although nobody said that it had entered the epoch.
		if spoke != s.stored() {
			t.Errorf("the seal speaks of %d of %d leaves", spoke.Size, s.stored().Size)
		}
		seals, err := s.Seals(ctx)
		if err != nil || len(seals) != 1 || seals[0].Tree != spoke || string(seals[0].Note) != "seal" {
			t.Errorf("seals: %v, %v", seals, err)
		}
		third := l.next(mustWith(t, l.chain, next), succeed("third"))
		err = s.Extend(ctx, third, &continuity.Sealing{Origin: next.Origin(), Charter: third.Hash(), Sign: func(stored continuity.Tree) ([]byte, error) {
			spoke = stored
			return []byte("seal 2"), nil
		}})
		if err != nil || spoke.Size != 0 {
			t.Errorf("an epoch that was never entered: the seal speaks of %d leaves, %v", spoke.Size, err)
		}
	})
}

func mustWith(t testing.TB, c *charter.Chain, d *charter.Document) *charter.Chain {
	t.Helper()
	next, err := c.With(d)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// However the two meet, no cosignature is recorded after a seal has taken force: two processes on one store.
func TestSealAndCosignRace(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			for range rounds {
				dsn := storetest.SQLite(t)
				if engine == "postgres" {
					dsn = storetest.Postgres(t)
				}
				raceOnce(t, dsn)
			}
		})
	}
}

func raceOnce(t *testing.T, dsn string) {
	t.Helper()
	ctx := context.Background()
	l := found(t, 3, 2, 0, 0)
	mine := shelve(t, storetest.Open(t, dsn), l)
	theirs := &continuity.SQL{DB: storetest.Open(t, dsn), Log: mine.Log, Rand: rand.Reader}
	mine.log(opens(l, l.chain.Head(), mine.stored(), nil), heartbeat(l), heartbeat(l))
	origin := l.chain.Head().Origin()
	next := l.next(l.chain, succeed("second"))
	tr := grow(strings.Split("abcdefghijklmnopqrstuvwxyz", "")...)

	var sealed atomic.Bool
	var late atomic.Int64
	var both sync.WaitGroup
	both.Go(func() {
		for size := int64(1); size <= 26; size++ {
			before := sealed.Load()
			err := theirs.Cosign(ctx, origin, continuity.Signed{Tree: tr.at(size), Note: []byte("n")})
			switch {
			case err == nil && before:
				late.Add(1)
			case errors.Is(err, continuity.ErrSealed):
				return
			case err != nil:
				t.Errorf("cosign: %v", err)
				return
			}
		}
	})
	both.Go(func() {
		err := mine.Extend(ctx, next, &continuity.Sealing{Origin: origin, Charter: next.Hash(), Entered: true,
			Sign: func(continuity.Tree) ([]byte, error) { return []byte("seal"), nil }})
		if err != nil {
			t.Errorf("seal: %v", err)
		}
		sealed.Store(true)
	})
	both.Wait()
	if n := late.Load(); n > 0 {
		t.Errorf("%d cosignatures after the seal", n)
	}
	_, was, err := mine.Heads(ctx, origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := theirs.Cosign(ctx, origin, continuity.Signed{Tree: tr.at(26), Note: []byte("n")}); !errors.Is(err, continuity.ErrSealed) {
		t.Errorf("cosigned at 26 after %d and a seal: %v", was.Size, err)
	}
}

// What is kept comes back as it was.
func TestKept(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := found(t, 3, 2, 0, 0)
		s := shelve(t, db, l)
		id, err := s.ID(ctx)
		if again, err2 := s.ID(ctx); err != nil || err2 != nil || id == "" || again != id {
			t.Errorf("ids %q and %q, %v, %v", id, again, err, err2)
		}
		e := continuity.Evidence{Name: "fork-1", Kind: continuity.EvidenceFork, Origin: "o", Text: "two trees", Notes: [][]byte{[]byte("— a\n"), []byte("b\n")}, At: at}
		for range 2 { // the second changes nothing
			if err := s.Keep(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		list, err := s.Evidence(ctx, 10)
		if err != nil || len(list) != 1 || list[0].Name != e.Name || !list[0].At.Equal(at) || !slices.EqualFunc(list[0].Notes, e.Notes, slices.Equal[[]byte]) {
			t.Errorf("evidence %+v, %v", list, err)
		}
		if _, err := s.EvidenceNamed(ctx, "fork-2"); !errors.Is(err, continuity.ErrNotFound) {
			t.Errorf("evidence that is none: %v", err)
		}
		for _, stop := range []continuity.Stop{{Size: 9, Reason: "later", Leaf: 9}, {Size: 4, Reason: "earlier", Leaf: -1}, {Size: 7, Reason: "between", Leaf: 7}} {
			stop.Origin, stop.Kind, stop.At = "o", continuity.EvidenceRefusal, at
			if err := s.Halt(ctx, stop, nil); err != nil {
				t.Fatal(err)
			}
		}
		if stop, err := s.Halted(ctx, "o"); err != nil || stop == nil || stop.Size != 4 || stop.Reason != "earlier" {
			t.Errorf("of three stops %+v stands, %v", stop, err)
		}
		if stop, err := s.Halted(ctx, "p"); err != nil || stop != nil {
			t.Errorf("a stop from nowhere: %+v, %v", stop, err)
		}
		h := continuity.Hold{Why: continuity.HoldFork, A: "fork-1", At: at}
		if err := s.Hold(ctx, h, nil); err != nil {
			t.Fatal(err)
		}
		if f, err := s.Load(ctx); err != nil || f.Hold != h {
			t.Errorf("hold %+v, %v", f.Hold, err)
		}
		if err := s.PutReport(ctx, []byte("report")); err != nil {
			t.Fatal(err)
		}
		if r, err := s.Reports(ctx); err != nil || len(r) != 1 || string(r[0]) != "report" {
			t.Errorf("reports %q, %v", r, err)
		}
		if err := s.Cut(ctx, 0, nil); !errors.Is(err, continuity.ErrNoCut) {
			t.Errorf("cut: %v", err)
		}
	})
}

// Two successors are kept side by side, and change places when people choose.
func TestSuccessorsChangePlaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		l := found(t, 3, 2, 0, 0)
		s := shelve(t, db, l)
		a, b := l.next(l.chain, succeed("a")), l.next(l.chain, succeed("b"))
		m, err := continuity.OpenMirror(ctx, s, nil, continuity.ClientPolicy{}, clock)
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			d    *charter.Document
			want continuity.Offer
		}{{a, continuity.OfferEpoch}, {a, continuity.OfferKnown}, {b, continuity.OfferSibling}, {b, continuity.OfferKnown}} {
			if got, err := m.OfferCharter(ctx, step.d); got != step.want || err != nil {
				t.Fatalf("charter of %s: %s, %v, want %s", step.d.Charter().Operator.Slug, got, err, step.want)
			}
		}
		if m, err = continuity.OpenMirror(ctx, s, nil, continuity.ClientPolicy{}, clock); err != nil {
			t.Fatal(err)
		}
		if m.Hold.Why != continuity.HoldSiblings || m.Hold.A != a.Hash() || m.Hold.B != b.Hash() {
			t.Errorf("hold %+v", m.Hold)
		}
		if _, err := m.OfferCharter(ctx, l.next(m.Chain, succeed("c"))); !errors.Is(err, continuity.ErrHeld) {
			t.Errorf("a third charter on top of one of two: %v", err)
		}
		if err := m.Choose(ctx, b.Hash()); err != nil {
			t.Fatal(err)
		}
		f, err := s.Load(ctx)
		if err != nil || f.Hold.Held() || f.Chain.Head().Hash() != b.Hash() || len(f.Siblings) != 1 || f.Siblings[0].Hash() != a.Hash() {
			t.Errorf("after choosing: %+v, %d siblings, %v", f.Hold, len(f.Siblings), err)
		}
		if err := m.Choose(ctx, a.Hash()); err != nil {
			t.Errorf("nothing was cosigned yet, and people may think again: %v", err)
		}
		if err := m.Choose(ctx, l.chain.ListID()); !errors.Is(err, charter.ErrGap) {
			t.Errorf("chose what is no successor: %v", err)
		}
	})
}
