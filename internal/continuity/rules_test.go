package continuity_test

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/event"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

var ctx = context.Background()

func hexOf(raw []byte) string { return hex.EncodeToString(raw) }

// mustTree is the tree of the first size leaves of a store.
func mustTree(t testing.TB, s *shelf, size int64) continuity.Tree {
	t.Helper()
	root, err := s.RootAt(ctx, size)
	want(t, "root", err, nil)
	return continuity.Tree{Size: size, Root: root}
}

// follow copies the leaves of one store into another, up to a size.
func (s *shelf) follow(from *shelf, upto int64) {
	s.t.Helper()
	for s.stored().Size < upto {
		at := s.stored().Size
		err := from.DB.View(ctx, func(tx *store.Tx) error {
			leaf, err := from.Log.Leaf(ctx, tx, at)
			if err != nil {
				return err
			}
			body, err := from.Log.Body(ctx, tx, at)
			if errors.Is(err, ledger.ErrNotFound) {
				body, err = nil, nil
			}
			if err != nil {
				return err
			}
			return s.put(leaf, body)
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func key(t testing.TB, s *shelf, c *c2sp.Cosigner) *continuity.Key {
	t.Helper()
	id, err := s.ID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return &continuity.Key{Signer: c, Store: id}
}

func openMirror(t testing.TB, s *shelf, k *continuity.Key) *continuity.Mirror {
	t.Helper()
	m, err := continuity.OpenMirror(ctx, s, k, continuity.ClientPolicy{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func want(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || (err == nil) != (want == nil) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// noted is another leaf than a heartbeat.
func noted(l *list) *event.Event {
	return &event.Event{At: at, By: l.chain.Head().Charter().Operator.Org, Kind: event.CharterNoted, List: l.chain.ListID(), Charter: l.chain.ListID()}
}

// One mirror's life, with real keys and stores: it follows, cosigns, refuses, seals, drops a tail and goes on under the successor.
func TestAMirrorsLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := found(t, 3, 2, 0, 3)
		d := l.chain.Head()
		op := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
		mine := shelve(t, db, l)
		m := openMirror(t, mine, key(t, mine, l.mirrors[0]))
		op.log(opens(l, d, op.stored(), nil), heartbeat(l), heartbeat(l))

		pending := l.signed(d, op.stored(), clock())
		step, err := m.Consider(ctx, pending, op)
		want(t, "consider", err, nil)
		if step.From.Size != 0 || step.To != op.stored() {
			t.Fatalf("step %+v", step)
		}
		_, err = m.Cosign(ctx, pending)
		want(t, "cosign before a leaf is stored", err, continuity.ErrUnstored)
		mine.follow(op, 3)
		line, err := m.Cosign(ctx, pending)
		want(t, "cosign", err, nil)
		if v, err := c2sp.NewCosignatureVerifier(l.mirrors[0].VKey().String()); err != nil {
			t.Fatal(err)
		} else if _, err := v.Check(c2sp.Checkpoint{Origin: d.Origin(), Size: 3, Root: op.stored().Root}.String(), line); err != nil {
			t.Fatal(err)
		}
		want(t, "published", m.Accept(ctx, l.published(d, op.stored())), nil)
		want(t, "published without a quorum", m.Accept(ctx, l.signed(d, op.stored(), clock(), l.mirrors[0])), continuity.ErrQuorum)

		// What it must not cosign.
		unsigned, err := c2sp.ParseNote(pending)
		want(t, "take apart", err, nil)
		forger, err := c2sp.NewCosigner("x", private("x", 9))
		want(t, "forger", err, nil)
		strange, err := forger.Cosign(unsigned.Text, clock())
		want(t, "forged line", err, nil)
		_, err = m.Cosign(ctx, c2sp.Note{Text: unsigned.Text, Lines: []c2sp.Line{strange}}.Bytes())
		want(t, "not the log's signature", err, continuity.ErrUnsigned)
		_, err = m.Cosign(ctx, l.signed(d, mustTree(t, op, 2), clock()))
		want(t, "less than before", err, continuity.ErrStale)

		// The log contradicts itself: both notes are kept, and nothing more of it is cosigned.
		forked := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
		forked.follow(op, 2)
		forked.log(noted(l), heartbeat(l))
		_, err = m.Consider(ctx, l.signed(d, forked.stored(), clock()), forked)
		want(t, "a fork", err, continuity.ErrFork)
		list, err := mine.Evidence(ctx, 9)
		if err != nil || len(list) != 1 || list[0].Kind != continuity.EvidenceFork || len(list[0].Notes) < 2 {
			t.Fatalf("evidence %+v, %v", list, err)
		}
		op.log(heartbeat(l))
		mine.follow(op, 4)
		_, err = m.Cosign(ctx, l.signed(d, op.stored(), clock()))
		want(t, "after a fork", err, continuity.ErrStopped)
		if stop, err := m.Stopped(ctx); err != nil || stop == nil || stop.Size != 3 {
			t.Fatalf("stop %+v, %v", stop, err)
		}

		// Charter 2: sealed, with what is stored.
		next := l.next(l.chain, succeed("second"))
		got, err := m.OfferCharter(ctx, next)
		if want(t, "charter 2", err, nil); got != continuity.OfferEpoch {
			t.Fatal(got)
		}
		_, err = m.Cosign(ctx, l.signed(d, op.stored(), clock()))
		want(t, "the old origin", err, continuity.ErrOrigin)
		seals, err := m.Seals(ctx)
		if err != nil || len(seals) != 1 || seals[0].Tree != op.stored() {
			t.Fatalf("seals %+v, %v", seals, err)
		}

		// The successor has 3 leaves and two reports. This mirror's own is not covered, and need not be.
		succ := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
		succ.follow(op, 3)
		want(t, "the successor learns the charter", succ.Extend(ctx, next, nil), nil)
		h := continuity.NewHandover(mustWith(t, l.chain, next), continuity.Accepted{})
		at3 := succ.stored()
		want(t, "this mirror's report", h.Add(seals[0].Note), nil)
		want(t, "report of m2", h.Add(l.seal(d, next, at3, l.mirrors[1])), nil)
		_, err = h.Open(ctx, succ, at3)
		want(t, "one covered report", err, continuity.ErrReports)
		want(t, "report of a stranger", h.Add(l.seal(d, next, at3, forger)), continuity.ErrSeal)
		want(t, "report for another charter", h.Add(l.seal(d, l.chain.Head(), at3, l.mirrors[2])), continuity.ErrSeal)
		want(t, "report of m3", h.Add(l.seal(d, next, at3, l.mirrors[2])), nil)
		plan, err := h.Open(ctx, succ, at3)
		want(t, "two covered reports", err, nil)
		_, err = h.Open(ctx, later{succ}, at3)
		want(t, "a copy that is in a later epoch", err, continuity.ErrOpening)
		if len(plan.Reports) != 2 || plan.Size != 3 {
			t.Fatalf("plan %+v", plan)
		}
		succ.log(opens(l, next, at3, plan.Body))

		// The mirror drops its fourth leaf, and goes on.
		pending = l.signed(next, succ.stored(), clock())
		_, err = m.Consider(ctx, pending, succ)
		want(t, "a tail", err, continuity.ErrTail)
		mine.CutLog = func(_ context.Context, size int64) error {
			if size != 3 {
				t.Errorf("cut to %d", size)
			}
			return errCut
		}
		_, err = m.Rebase(ctx, pending, succ)
		want(t, "rebase", err, errCut)
		if kept, err := mine.Reports(ctx); err != nil || len(kept) != 2 {
			t.Errorf("%d reports kept, %v", len(kept), err)
		}
	})
}

// later is a copy that has entered epoch 5.
type later struct{ continuity.Copy }

func (c later) Opening(ctx context.Context, epoch int64) (continuity.Opening, error) {
	if epoch == 5 {
		return continuity.Opening{Index: 1, Epoch: 5}, nil
	}
	return c.Copy.Opening(ctx, epoch)
}

var errCut = errors.New("this store is cut by hand")

// An opening that does not prove its place is refused before a leaf of it is stored.
func TestOpeningsAreChecked(t *testing.T) {
	l := found(t, 5, 4, 1, 0)
	d := l.chain.Head()
	next := l.next(l.chain, succeed("second"))
	chain := mustWith(t, l.chain, next)
	third := l.next(chain, succeed("third"))
	longer := mustWith(t, chain, third)
	tr := grow("a", "b", "c", "d", "e", "f")
	other := grow("a", "b", "c", "x", "y", "z")
	stranger := cosigner(t, "x", 1)
	seal := func(at continuity.Tree, by *c2sp.Cosigner) []byte { return l.seal(d, next, at, by) }
	m := l.mirrors
	prefix := func(_ context.Context, p continuity.Tree) error {
		if p.Size <= 6 && tr.at(p.Size) == p {
			return nil
		}
		return continuity.ErrFork
	}
	good := [][]byte{seal(tr.at(6), m[0]), seal(tr.at(4), m[1]), seal(tr.at(5), m[4])}
	for _, tc := range []struct {
		name    string
		chain   *charter.Chain
		last    int64
		size    int64
		epoch   int64
		by      string
		reports [][]byte
		want    error
	}{
		{"three of five reports, R = 3", chain, 1, 6, 2, next.Hash(), good, nil},
		{"two", chain, 1, 6, 2, next.Hash(), good[:2], continuity.ErrReports},
		{"one twice", chain, 1, 6, 2, next.Hash(), [][]byte{good[0], good[1], good[1]}, continuity.ErrReports},
		{"one of them larger than the tree", chain, 1, 5, 2, next.Hash(), good, continuity.ErrReports},
		{"one of another branch", chain, 1, 6, 2, next.Hash(), [][]byte{good[0], good[1], seal(other.at(5), m[2])}, continuity.ErrReports},
		{"a stranger's", chain, 1, 6, 2, next.Hash(), [][]byte{good[0], good[1], seal(tr.at(6), stranger)}, continuity.ErrReports},
		{"for another charter", chain, 1, 6, 2, next.Hash(), [][]byte{good[0], good[1], l.seal(d, third, tr.at(6), m[2])}, continuity.ErrReports},
		{"rubbish beside them", chain, 1, 6, 2, next.Hash(), append([][]byte{[]byte("x")}, good...), nil},
		{"opened by another charter", chain, 1, 6, 2, d.Hash(), good, continuity.ErrOpening},
		{"an epoch again", chain, 2, 6, 2, next.Hash(), good, continuity.ErrOpening},
		{"an epoch that nobody named", chain, 1, 6, 3, next.Hash(), good, continuity.ErrOpening},
		{"epoch 2 was never opened: both owe reports", longer, 1, 6, 3, third.Hash(), good, continuity.ErrReports},
		{"epoch 2 was never opened, all reported", longer, 1, 6, 3, third.Hash(), append([][]byte{l.seal(next, third, tr.at(0), m[0]),
			l.seal(next, third, tr.at(3), m[1]), l.seal(next, third, tr.at(6), m[2])}, good...), nil},
		{"epoch 2 was opened: only its own", longer, 2, 6, 3, third.Hash(), good, continuity.ErrReports},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := continuity.Opening{Index: tc.size, Root: tr.at(tc.size).Root, Epoch: tc.epoch, Charter: tc.by, Reports: tc.reports}
			want(t, "check", continuity.CheckOpening(ctx, tc.chain, tc.last, o, prefix), tc.want)
		})
	}

	t.Run("the board says where", func(t *testing.T) {
		d := l.next(l.chain, func(c *charter.Charter) {
			succeed("second")(c)
			root := tr.at(4).Root
			c.ContinueAt = &charter.ContinueAt{Size: 4, Root: hexOf(root[:])}
		})
		chain := mustWith(t, l.chain, d)
		for size, err := range map[int64]error{4: nil, 5: continuity.ErrOpening} {
			o := continuity.Opening{Index: size, Root: tr.at(size).Root, Epoch: 2, Charter: d.Hash()}
			want(t, "check", continuity.CheckOpening(ctx, chain, 1, o, prefix), err)
		}
	})
}

// F.8: a reader never goes back, and holds rather than follow what does not contain its view.
func TestAReader(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := found(t, 3, 2, 0, 3)
		d := l.chain.Head()
		s := shelve(t, db, l)
		c, err := continuity.OpenClient(ctx, s, continuity.ClientPolicy{}, clock)
		want(t, "open", err, nil)
		tr := grow()
		tr.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
		tr.add("a", "b", "c", "d")
		fork := grow()
		fork.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
		fork.add("a", "x", "y", "z", "u")

		want(t, "without a quorum", c.Accept(ctx, l.signed(d, tr.at(3), clock(), l.mirrors[0]), tr), continuity.ErrQuorum)
		want(t, "first view", c.Accept(ctx, l.published(d, tr.at(4)), tr), nil)
		want(t, "smaller", c.Accept(ctx, l.published(d, tr.at(3)), tr), continuity.ErrStale)
		want(t, "larger", c.Accept(ctx, l.published(d, tr.at(5)), tr), nil)

		// A successor that opens below the view, with all the reports in the world, is not followed.
		next := l.next(l.chain, succeed("second"))
		got, err := c.OfferCharter(ctx, next)
		if want(t, "charter 2", err, nil); got != continuity.OfferEpoch {
			t.Fatal(got)
		}
		short := grow()
		short.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
		short.add("a", "b")
		low := short.at(3)
		short.open(continuity.Opening{Epoch: 2, Charter: next.Hash(), Reports: [][]byte{l.seal(d, next, low, l.mirrors[0])}})
		short.add("p", "q", "r")
		want(t, "too few reports", c.Accept(ctx, l.published(next, short.at(short.size())), short), continuity.ErrOpening)
		if c.Hold.Held() {
			t.Fatal("a successor who proves nothing makes nobody hold")
		}
		o := short.opening[2]
		o.Reports = append(o.Reports, l.seal(d, next, low, l.mirrors[1]))
		short.opening[2] = o
		want(t, "a view that is not contained", c.Accept(ctx, l.published(next, short.at(short.size())), short), continuity.ErrHeld)
		if c.Hold.Why != continuity.HoldFork || c.Accepted.Size != 5 {
			t.Fatalf("%+v at %d", c.Hold, c.Accepted.Size)
		}
		c, err = continuity.OpenClient(ctx, s, continuity.ClientPolicy{}, clock)
		want(t, "open again", err, nil)
		want(t, "held after a restart", c.Accept(ctx, l.published(d, tr.at(5)), tr), continuity.ErrHeld)
		want(t, "released by people", c.Release(ctx), nil)

		// The right continuation is.
		good := [][]byte{l.seal(d, next, tr.at(5), l.mirrors[0]), l.seal(d, next, tr.at(2), l.mirrors[2])}
		tr.open(continuity.Opening{Epoch: 2, Charter: next.Hash(), Reports: good})
		want(t, "epoch 2", c.Accept(ctx, l.published(next, tr.at(6)), tr), nil)
		want(t, "the zombie", c.Accept(ctx, l.published(d, fork.at(6)), fork), continuity.ErrOrigin)
		if age, ok := c.Stale(); !ok || age != 0 {
			t.Errorf("stale %v, %v", age, ok)
		}
	})
}

// Where the board itself continues below a view, its owner decides.
func TestAReaderIsNotTakenBack(t *testing.T) {
	l := found(t, 3, 2, 0, 0)
	d := l.chain.Head()
	s := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
	c, err := continuity.OpenClient(ctx, s, continuity.ClientPolicy{}, clock)
	want(t, "open", err, nil)
	tr := grow()
	tr.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
	tr.add("a", "b", "c")
	want(t, "view", c.Accept(ctx, l.published(d, tr.at(4)), tr), nil)
	short := grow()
	short.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
	short.add("a")
	root := short.at(2).Root
	next := l.next(l.chain, func(c *charter.Charter) {
		succeed("second")(c)
		c.ContinueAt = &charter.ContinueAt{Size: 2, Root: hexOf(root[:])}
	})
	_, err = c.OfferCharter(ctx, next)
	want(t, "charter", err, nil)
	short.open(continuity.Opening{Epoch: 2, Charter: next.Hash()})
	short.add("p", "q", "r")
	want(t, "below the view", c.Accept(ctx, l.published(next, short.at(6)), short), continuity.ErrHeld)
	if c.Hold.Why != continuity.HoldContinues {
		t.Error(c.Hold.Why)
	}
}

// A policy that was written before decides for its owner; a view that stands decides before it.
func TestAReaderPrefers(t *testing.T) {
	l := found(t, 3, 2, 0, 0)
	d := l.chain.Head()
	a, b := l.next(l.chain, succeed("a")), l.next(l.chain, succeed("b"))
	for _, tc := range []struct {
		name   string
		prefer string
		head   string
		held   bool
	}{{"nobody", "", a.Hash(), true}, {"the first", a.Hash(), a.Hash(), false}, {"the second", b.Hash(), b.Hash(), false}, {"the second's operator", b.VKey(), b.Hash(), false}} {
		t.Run(tc.name, func(t *testing.T) {
			s := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
			c, err := continuity.OpenClient(ctx, s, continuity.ClientPolicy{Prefer: tc.prefer}, clock)
			want(t, "open", err, nil)
			for _, doc := range []*charter.Document{a, b} {
				_, err = c.OfferCharter(ctx, doc)
				want(t, "charter", err, nil)
			}
			if c.Chain.Head().Hash() != tc.head || c.Hold.Held() != tc.held {
				t.Errorf("head %.8s, hold %+v", c.Chain.Head().Hash(), c.Hold)
			}
			if tc.held {
				want(t, "set a policy", c.SetPolicy(ctx, continuity.ClientPolicy{Prefer: b.Hash()}), nil)
				if c.Hold.Held() || c.Chain.Head().Hash() != b.Hash() {
					t.Errorf("after the policy: %+v", c.Hold)
				}
			}
		})
	}
	t.Run("its view is the other's", func(t *testing.T) {
		s := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
		c, err := continuity.OpenClient(ctx, s, continuity.ClientPolicy{Prefer: b.Hash()}, clock)
		want(t, "open", err, nil)
		_, err = c.OfferCharter(ctx, a)
		want(t, "charter", err, nil)
		tr := grow()
		tr.open(continuity.Opening{Epoch: 1, Charter: d.Hash()})
		tr.open(continuity.Opening{Epoch: 2, Charter: a.Hash(), Reports: [][]byte{l.seal(d, a, tr.at(1), l.mirrors[0]), l.seal(d, a, tr.at(1), l.mirrors[1])}})
		want(t, "view", c.Accept(ctx, l.published(a, tr.at(2)), tr), nil)
		_, err = c.OfferCharter(ctx, b)
		want(t, "sibling", err, nil)
		if !c.Hold.Held() {
			t.Error("it went to a branch that cannot contain its view")
		}
		want(t, "choose", c.Choose(ctx, b.Hash()), continuity.ErrCommitted)
	})
}

// C.3: mirrors, then witnesses, then published; and a crash at any point forgets no line that somebody counted on.
func TestThePublishersOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := found(t, 3, 2, 0, 3)
		d := l.chain.Head()
		s := shelve(t, db, l)
		tr := grow("a", "b", "c")
		open := func() *continuity.Publisher {
			p, err := continuity.OpenPublisher(ctx, d, s)
			want(t, "open", err, nil)
			return p
		}
		line := func(at continuity.Tree, by *c2sp.Cosigner) c2sp.Note {
			n, err := c2sp.ParseNote(l.signed(d, at, clock(), by))
			want(t, "line", err, nil)
			n.Lines = n.Lines[1:]
			return n
		}
		p := open()
		phase := func(what string, want continuity.Phase, size int64) {
			t.Helper()
			if n := p.Next(); n.Phase != want || n.Tree.Size != size {
				t.Fatalf("%s: %s at %d, want %s at %d", what, n.Phase, n.Tree.Size, want, size)
			}
		}
		phase("nothing signed", continuity.Idle, 0)
		want(t, "pending", p.Pending(l.signed(d, tr.at(2), clock())), nil)
		want(t, "pending", p.Pending(l.signed(d, tr.at(3), clock())), nil)
		phase("no lines", continuity.AskMirrors, 3)
		want(t, "one mirror", p.Lines(ctx, line(tr.at(2), l.mirrors[0])), nil)
		want(t, "the same again", p.Lines(ctx, line(tr.at(2), l.mirrors[0])), nil)
		want(t, "two witnesses too early", p.Lines(ctx, line(tr.at(2), l.witness[0])), nil)
		phase("one mirror and a witness", continuity.AskMirrors, 3)
		want(t, "a stranger", p.Lines(ctx, line(tr.at(2), cosigner(t, "x", 1))), continuity.ErrUnsigned)
		want(t, "another tree", p.Lines(ctx, line(grow("a", "x").at(2), l.mirrors[1])), continuity.ErrFork)
		want(t, "too late", p.Lines(ctx, line(tr.at(1), l.mirrors[1])), continuity.ErrStale)
		_, err := p.Publish(ctx)
		want(t, "publish too early", err, continuity.ErrQuorum)
		want(t, "two mirrors", p.Lines(ctx, line(tr.at(2), l.mirrors[2])), nil)
		phase("two mirrors at 2", continuity.AskWitnesses, 2)

		p = open() // a crash: the mirrors' lines were on disk before any witness was asked
		phase("after a crash", continuity.AskWitnesses, 2)
		want(t, "pending again", p.Pending(l.signed(d, tr.at(3), clock())), nil)
		if n := p.Next(); len(n.Witnesses) != 2 || len(n.Mirrors) != 1 {
			t.Fatalf("missing %d witnesses and %d mirrors", len(n.Witnesses), len(n.Mirrors))
		}
		want(t, "second witness", p.Lines(ctx, line(tr.at(2), l.witness[2])), nil)
		phase("the quorum", continuity.Publish, 2)
		pub, err := p.Publish(ctx)
		want(t, "publish", err, nil)
		if v := p.Quorum().Check(pub.Note); !v.OK() || !pub.Time.Equal(at) {
			t.Fatalf("published %v at %v", v.Reason(), pub.Time)
		}
		phase("the next", continuity.AskMirrors, 3)
		if p = open(); p.Published().Tree != tr.at(2) || !p.Published().Time.Equal(at) {
			t.Fatalf("published after a crash: %+v", p.Published())
		}
	})
}

// C.1: an operator that starts signs nothing before it knows that it holds what it signed before.
func TestAnOperatorStarts(t *testing.T) {
	l := found(t, 3, 2, 0, 0)
	d := l.chain.Head()
	nonce := strings.Repeat("5a", 32)
	r, err := continuity.NewRestart(d, nonce)
	want(t, "restart", err, nil)
	own := grow("a", "b", "c")
	own.add("d")
	seen4 := l.signed(d, own.at(4), clock())
	answer := func(i int, at continuity.Tree, seen []byte, nonce string) error {
		h := continuity.Holding{List: l.chain.ListID(), Origin: d.Origin(), Nonce: nonce, Tree: at}
		line, err := l.mirrors[i].State(h.String(), clock())
		want(t, "state", err, nil)
		_, err = r.Heard(c2sp.Note{Text: h.String(), Lines: []c2sp.Line{line}}.Bytes(), seen)
		return err
	}
	short := grow("a", "b", "c")
	want(t, "nobody heard", r.MaySign(ctx, short, 3), continuity.ErrUnheard)
	want(t, "yesterday's answer", answer(0, own.at(0), nil, strings.Repeat("6b", 32)), continuity.ErrHolding)
	want(t, "a size that the log never signed", answer(0, own.at(4), l.published(d, own.at(3)), nonce), continuity.ErrUnsigned)
	want(t, "m1 has seen nothing", answer(0, own.at(0), nil, nonce), nil)
	want(t, "one heard", r.MaySign(ctx, short, 3), continuity.ErrUnheard)
	want(t, "m2 has seen 4", answer(1, own.at(4), seen4, nonce), nil)
	want(t, "behind", r.MaySign(ctx, short, 3), continuity.ErrBehind)
	want(t, "caught up", r.MaySign(ctx, own, 4), nil)
	want(t, "on another branch", r.MaySign(ctx, grow("a", "b", "x", "y"), 4), continuity.ErrFork)
	r.GiveUp(l.mirrors[1].VKey().String())
	want(t, "given up", r.MaySign(ctx, short, 3), continuity.ErrUnheard)
	if len(r.Ask()) != 2 {
		t.Errorf("%d left to ask", len(r.Ask()))
	}
}

// A key whose store was lost has forgotten what it promised.
func TestAKeyBelongsToItsStore(t *testing.T) {
	l := found(t, 3, 2, 0, 0)
	first := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
	k := key(t, first, l.mirrors[0])
	openMirror(t, first, k)
	second := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
	_, err := continuity.OpenMirror(ctx, second, k, continuity.ClientPolicy{}, clock)
	want(t, "another store", err, continuity.ErrAmnesia)

	// Set back to a copy of an older day, the store keeps its name; the line that it does not know gives it away.
	d := l.chain.Head()
	first.log(opens(l, d, first.stored(), nil), heartbeat(l))
	m := openMirror(t, first, k)
	want(t, "published with a line of ours that we do not know", m.Accept(ctx, l.published(d, first.stored())), nil)
	_, err = m.Cosign(ctx, l.signed(d, first.stored(), clock()))
	want(t, "cosign", err, continuity.ErrStopped)
	statement, _, err := m.Holding(ctx, d.Origin(), strings.Repeat("00", 32))
	if err != nil || len(statement) == 0 {
		t.Errorf("holding: %v", err)
	}
}

// A leaf against the rules: up to it and no further, and everybody can see why.
func TestAViolationStops(t *testing.T) {
	l := found(t, 3, 2, 0, 0)
	d := l.chain.Head()
	s := shelve(t, storetest.Open(t, storetest.SQLite(t)), l)
	m := openMirror(t, s, key(t, s, l.mirrors[0]))
	s.log(opens(l, d, s.stored(), nil), heartbeat(l), heartbeat(l))
	signed := l.signed(d, s.stored(), clock())
	want(t, "violation", m.Violation(ctx, signed, 2, "the identifier was never reserved", nil), nil)
	_, err := m.Cosign(ctx, signed)
	want(t, "beyond it", err, continuity.ErrStopped)
	_, err = m.Cosign(ctx, l.signed(d, mustTree(t, s, 2), clock()))
	want(t, "below it", err, nil)
	_, err = m.Consider(ctx, l.signed(d, s.stored(), clock(), l.mirrors[1], l.mirrors[2]), s)
	want(t, "take in more, whoever vouches for it", err, continuity.ErrStopped)
	list, err := s.Evidence(ctx, 9)
	if err != nil || len(list) != 1 || list[0].Kind != continuity.EvidenceRefusal {
		t.Errorf("%+v, %v", list, err)
	}
}
