package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/charter"
	"tasuki/internal/continuity"
	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gcve"
	"tasuki/internal/governance"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	spec "tasuki/spec/gcve"
)

// list is a list with its keys: what bundles are made from.
type list struct {
	*replica
	doc    *charter.Document
	signer note.Signer
	dice   *rand.Rand
	clock  time.Time
}

// replica is a store with the folds of a list, without anything that could write but leaves from elsewhere.
type replica struct {
	db    *store.DB
	log   *ledger.Log
	gate  *gate.Gate
	disk  *continuity.SQL
	rules *continuity.Mirror
	fails int // Take fails when it gets to 0; negative never
}

type dice struct{ *rand.ChaCha8 }

func diceOf(seed uint64) dice {
	var s [32]byte
	s[0], s[1], s[2], s[3] = byte(seed), byte(seed>>8), byte(seed>>16), byte(seed>>24)
	return dice{rand.NewChaCha8(s)}
}

var began = time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC)

func (r *replica) open(t testing.TB, doc *charter.Document, now func() time.Time, rnd io.Reader) {
	t.Helper()
	ctx := context.Background()
	err := r.db.Migrate(ctx, ledger.Schema(), charter.Schema(), registry.Schema(), catalogue.Schema(), authority.Schema(), governance.Schema(), gcve.Schema(),
		continuity.Schema())
	if err != nil {
		t.Fatal(err)
	}
	r.log, r.fails = ledger.New(r.db), -1
	chain, err := charter.NewChain(doc)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.db.Update(ctx, func(tx *store.Tx) error { return charter.Save(ctx, tx, chain) }); err != nil {
		t.Fatal(err)
	}
	r.gate = gate.New(gate.Config{DB: r.db, Log: r.log, List: doc.ListID(), Operator: doc.Charter().Operator.Org, Now: now, Rand: rnd, Logger: slog.New(slog.DiscardHandler),
		Projections: projections()})
	t.Cleanup(r.gate.Close)
	r.disk = &continuity.SQL{DB: r.db, Log: r.log, Rand: rnd}
	if r.rules, err = continuity.OpenMirror(ctx, r.disk, nil, continuity.ClientPolicy{}, now); err != nil {
		t.Fatal(err)
	}
}

func projections() []gate.Projection {
	return []gate.Projection{registry.Projection{}, authority.Projection{}, catalogue.Projection{}, governance.Projection{}, gcve.Projection{}, continuity.Projection{}}
}

func newList(t testing.TB, db *store.DB, seed uint64) *list {
	t.Helper()
	return newListOf(t, db, seed, func(*charter.Charter) {})
}

// newListOf is a list whose charter is another one than a private node's.
func newListOf(t testing.TB, db *store.DB, seed uint64, change func(*charter.Charter)) *list {
	t.Helper()
	d := diceOf(seed)
	l := &list{replica: &replica{db: db}, dice: rand.New(d), clock: began}
	_, private, err := ed25519.GenerateKey(d)
	if err != nil {
		t.Fatal(err)
	}
	doc, board, err := charter.Genesis(charter.Options{Log: private.Public().(ed25519.PublicKey), Test: true, Org: "11111111-1111-4111-8111-111111111111"}, d,
		func() time.Time { return began })
	if err != nil {
		t.Fatal(err)
	}
	c := doc.Charter()
	change(&c)
	if doc, err = charter.New(c); err != nil {
		t.Fatal(err)
	}
	doc.Sign(board.ID, board.Private)
	l.doc = doc
	k := charter.LogKey{Origin: doc.Origin(), Private: private}
	if l.signer, err = k.Signer(); err != nil {
		t.Fatal(err)
	}
	l.open(t, doc, func() time.Time { return l.clock }, d)
	l.do(t, func(ctx context.Context, turn *gate.Turn) error {
		root := ledger.Head{}.Root()
		_, err := turn.Emit(ctx, &event.Event{Kind: event.EpochOpened, Charter: doc.Hash(), Epoch: 1, Root: fmt.Sprintf("%x", root[:])}, nil)
		return err
	})
	return l
}

func newReplica(t testing.TB, db *store.DB, doc *charter.Document) *replica {
	t.Helper()
	r := &replica{db: db}
	r.open(t, doc, func() time.Time { return began.AddDate(1, 0, 0) }, diceOf(99))
	return r
}

func (l *list) do(t testing.TB, decide func(ctx context.Context, turn *gate.Turn) error) {
	t.Helper()
	l.clock = l.clock.Add(time.Second)
	if err := l.gate.Do(context.Background(), authority.Caller{Role: authority.Operator, Name: "test"}, gate.Command{Action: authority.Act, Decide: decide}); err != nil {
		t.Fatal(err)
	}
}

// live lets n things happen: records come and change, bodies are erased, GCVE identifiers are given out, nothing happens for a day.
func (l *list) live(t testing.TB, n int) {
	t.Helper()
	for range n {
		switch k := l.dice.IntN(20); {
		case k < 12:
			id := fmt.Sprintf("CVE-2026-%04d", l.dice.IntN(40))
			raw := fmt.Sprintf(`{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"state":"PUBLISHED","assignerOrgId":"8254265b-2729-46b6-b9e3-3dfca2d5bfca",`+
				`"dateUpdated":%q},"containers":{"cna":{"title":"%x"}}}`, id, l.clock.Format(time.RFC3339), l.dice.Uint64())
			doc, err := l.gate.Pack(event.RecordImported, []byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			l.do(t, func(ctx context.Context, turn *gate.Turn) error {
				_, _, err := registry.Import(ctx, turn.Tx, doc, false, time.Time{}, turn.Emit)
				return err
			})
		case k < 15:
			l.eraseOne(t)
		case k < 17:
			l.do(t, func(ctx context.Context, turn *gate.Turn) error {
				ids, err := gcve.Allocate(ctx, turn.Tx, turn, spec.GNATest, 2026, 1)
				if err == nil {
					_, err = gcve.Put(ctx, turn.Tx, turn, ids[0], []byte(`{"containers":{"cna":{}}}`))
				}
				return err
			})
		default:
			l.do(t, func(ctx context.Context, turn *gate.Turn) error {
				_, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
				return err
			})
		}
	}
}

// eraseOne erases a body that is there, if one is.
func (l *list) eraseOne(t testing.TB) {
	t.Helper()
	var all []int64
	l.view(t, func(ctx context.Context, tx *store.Tx) error {
		return l.log.Scan(ctx, tx, 0, func(index int64, _ []byte, body *ledger.Body) error {
			if body != nil {
				all = append(all, index)
			}
			return nil
		})
	})
	if len(all) > 0 {
		l.erase(t, all[l.dice.IntN(len(all))])
	}
}

func (l *list) erase(t testing.TB, leaf int64) {
	t.Helper()
	l.do(t, func(ctx context.Context, turn *gate.Turn) error {
		if err := l.log.Erase(ctx, turn.Tx, leaf); err != nil {
			return err
		}
		_, err := turn.Emit(ctx, &event.Event{Kind: event.BodyErased, Leaf: &leaf, Reason: "personal-data"}, nil)
		return err
	})
}

func (r *replica) view(t testing.TB, fn func(ctx context.Context, tx *store.Tx) error) {
	t.Helper()
	if err := r.db.View(context.Background(), func(tx *store.Tx) error { return fn(context.Background(), tx) }); err != nil {
		t.Fatal(err)
	}
}

func (r *replica) size(t testing.TB) int64 {
	t.Helper()
	tree, err := r.Stored(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return tree.Size
}

// head is the head of a bundle of a range under a checkpoint over everything that is logged.
func (l *list) head(t testing.TB, from, to int64) bundle.Head {
	t.Helper()
	tree, err := l.Stored(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", l.doc.Origin(), tree.Size, tree.Root)
	signed, err := note.Sign(&note.Note{Text: text}, l.signer)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := charter.NewChain(l.doc)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Head{List: l.doc.ListID(), From: from, To: to, Tree: tree, Checkpoint: signed, Charters: chain}
}

// export writes a bundle of a range.
func (l *list) export(t testing.TB, from, to int64) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := bundle.Write(context.Background(), &out, l, l.head(t, from, to), nil); err != nil {
		t.Fatalf("leaves %d to %d: %v", from, to, err)
	}
	return out.Bytes()
}

func file(raw []byte) bundle.File {
	return func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
}

// The list as a source of bundles.

func (r *replica) Hashes(ctx context.Context, size int64, indexes []int64) (out []tlog.Hash, err error) {
	err = r.db.View(ctx, func(tx *store.Tx) error {
		out, err = r.log.HashReader(ctx, tx, size).ReadHashes(indexes)
		return err
	})
	return out, err
}

var errThere = errors.New("there")

func (r *replica) Each(ctx context.Context, from, to int64, fn func(index int64, leaf []byte, mark byte, salt [16]byte, raw []byte) error) error {
	err := r.db.View(ctx, func(tx *store.Tx) error {
		return r.log.Scan(ctx, tx, from, func(index int64, leaf []byte, body *ledger.Body) error {
			if index >= to {
				return errThere
			}
			e, err := event.Open(index, leaf, body)
			switch {
			case err != nil:
				return err
			case body != nil:
				raw, err := body.Bytes()
				if err != nil {
					return err
				}
				return fn(index, leaf, ledger.BodyPresent, body.Salt, raw)
			case e.Body == nil:
				return fn(index, leaf, ledger.BodyNone, [16]byte{}, nil)
			case e.Kind == event.PrivateFact:
				return fn(index, leaf, ledger.BodyCommitted, [16]byte{}, nil)
			}
			return fn(index, leaf, ledger.BodyErased, [16]byte{}, nil)
		})
	})
	if errors.Is(err, errThere) {
		return nil
	}
	return err
}

func (r *replica) Leaves(ctx context.Context, from, to int64, fn func(index int64, leaf []byte) error) error {
	return r.Each(ctx, from, to, func(index int64, leaf []byte, _ byte, _ [16]byte, _ []byte) error { return fn(index, leaf) })
}

// A replica as a target.

func (r *replica) Stored(ctx context.Context) (continuity.Tree, error) { return r.disk.Stored(ctx) }

func (r *replica) RootAt(ctx context.Context, size int64) (tlog.Hash, error) {
	return r.disk.RootAt(ctx, size)
}

func (r *replica) Opening(ctx context.Context, epoch int64) (continuity.Opening, error) {
	return r.disk.Opening(ctx, epoch)
}

func (r *replica) Charter(ctx context.Context, d *charter.Document) error {
	_, err := r.rules.OfferCharter(ctx, d)
	if errors.Is(err, charter.ErrKnown) {
		return nil
	}
	return err
}

func (r *replica) Consider(ctx context.Context, signed []byte, copy continuity.Copy) error {
	_, err := r.rules.Consider(ctx, signed, copy)
	return err
}

var errStopped = errors.New("stopped")

func (r *replica) Take(ctx context.Context, _ []byte, leaves []gate.Stored, to continuity.Tree) error {
	if r.fails == 0 {
		return errStopped
	}
	r.fails--
	var list []*gate.Inspected
	for _, s := range leaves {
		i, err := r.gate.Inspect(s)
		if err != nil {
			return err
		}
		list = append(list, i)
	}
	return r.gate.Follow(ctx, list, gate.Following{Size: to.Size, Root: to.Root})
}

func (r *replica) Accept(ctx context.Context, signed []byte) error {
	return r.rules.Accept(ctx, signed)
}

// state is everything that is derived, as one digest per projection, and the tree.
func (r *replica) state(t testing.TB) string {
	t.Helper()
	out := ""
	r.view(t, func(ctx context.Context, tx *store.Tx) error {
		for _, p := range projections() {
			d, err := p.Digest(ctx, tx)
			if err != nil {
				return err
			}
			out += fmt.Sprintf("%s %x\n", p.Name(), d[:8])
		}
		return r.log.Scan(ctx, tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			h := ledger.LeafHash(leaf)
			out += fmt.Sprintf("%d %x", index, h[:4])
			if body != nil {
				out += fmt.Sprintf(" %x", body.Hash[:4])
			}
			out += "\n"
			return nil
		})
	})
	return out
}
