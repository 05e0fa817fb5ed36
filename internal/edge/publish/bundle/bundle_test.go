package bundle_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"tasuki/internal/charter"
	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

func importing(r *replica, raw []byte, list string) (bundle.Imported, error) {
	return bundle.Import(context.Background(), file(raw), list, r, nil)
}

func TestImport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newList(t, storetest.Open(t, storetest.SQLite(t)), 1)
		l.live(t, 520) // several chunks
		a := l.size(t)
		first := l.export(t, 0, a)
		l.live(t, 300)
		b := l.size(t)
		second := l.export(t, a, b)
		id := l.doc.ListID()
		r := newReplica(t, db, l.doc)

		// In another order it is refused, with what is missing.
		_, err := importing(r, second, id)
		var missing *bundle.Missing
		if !errors.As(err, &missing) || missing.From != 0 || missing.To != a {
			t.Errorf("the second first: %v", err)
		}
		got, err := importing(r, first, id)
		if err != nil || got.Before != 0 || got.After != a || !got.Accepted {
			t.Fatalf("%+v (%v)", got, err)
		}
		// Again changes nothing.
		if got, err = importing(r, first, id); err != nil || !got.Same() || got.Accepted {
			t.Errorf("again: %+v (%v)", got, err)
		}
		if got, err = importing(r, second, id); err != nil || got.Before != a || got.After != b || !got.Accepted {
			t.Fatalf("%+v (%v)", got, err)
		}
		if r.state(t) != l.state(t) {
			t.Errorf("the copy is another one")
		}
		if got, err = importing(r, first, id); err != nil || !got.Same() { // smaller than what is here
			t.Errorf("the first once more: %+v (%v)", got, err)
		}
		if r.rules.Accepted.Size != b {
			t.Errorf("the copy's view has %d leaves of %d", r.rules.Accepted.Size, b)
		}
	})
}

// A bundle that begins below what is stored, wherever that is, brings the rest. One that ends below its checkpoint is stored and waits.
func TestOverlap(t *testing.T) {
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 2)
	l.live(t, 600)
	b := l.size(t)
	r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), l.doc)
	for _, to := range []int64{1, 2, 255, 256, 257, 300, 511, b - 1, b} {
		for _, from := range []int64{0, r.size(t) / 2, r.size(t)} {
			if from >= to {
				continue
			}
			before := r.size(t)
			got, err := importing(r, l.export(t, from, to), "")
			if err != nil || got.Before != before || got.After != max(to, before) || got.Accepted != (to == b && before < b) {
				t.Fatalf("leaves %d to %d over %d: %+v (%v)", from, to, before, got, err)
			}
		}
	}
	if r.state(t) != l.state(t) {
		t.Error("the copy is another one")
	}
}

// An import that stops anywhere goes on there.
func TestResume(t *testing.T) {
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 3)
	l.live(t, 600)
	raw := l.export(t, 0, l.size(t))
	r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), l.doc)
	last := int64(-1)
	for turn := 0; ; turn++ {
		r.fails = 1
		got, err := importing(r, raw, "")
		if err == nil {
			break
		}
		if !errors.Is(err, errStopped) || turn > 20 || got.After <= last {
			t.Fatalf("turn %d: %+v (%v)", turn, got, err)
		}
		last = got.After
	}
	if r.state(t) != l.state(t) {
		t.Error("the copy is another one")
	}
}

// A body that was erased after the range is missing in it, and the bundle says by which leaf beyond it.
func TestErasedLater(t *testing.T) {
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 4)
	l.live(t, 200)
	a := l.size(t)
	before := l.export(t, 0, a)
	for range 5 {
		l.eraseOne(t)
	}
	after := l.export(t, 0, a)
	rest := l.export(t, a, l.size(t))
	for name, files := range map[string][][]byte{"before": {before, rest}, "after": {after, rest}} {
		r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), l.doc)
		for _, raw := range files {
			if _, err := importing(r, raw, ""); err != nil {
				t.Fatalf("exported %s the erasure: %v", name, err)
			}
		}
		if r.state(t) != l.state(t) {
			t.Errorf("exported %s the erasure: the copy is another one", name)
		}
	}
	// A body that is gone while no leaf under the checkpoint says so is never exported.
	leaf := int64(-1)
	if err := l.Each(t.Context(), 1, a, func(index int64, _ []byte, mark byte, _ [16]byte, _ []byte) error {
		if mark == 0 {
			leaf = index
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	h := l.head(t, 0, a)
	l.erase(t, leaf) // beyond the checkpoint
	if _, err := bundle.Write(t.Context(), io.Discard, l, h, nil); !errors.Is(err, bundle.ErrWithheld) {
		t.Errorf("erased beyond the checkpoint: %v", err)
	}
}

func TestRefused(t *testing.T) {
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 5)
	l.live(t, 400)
	b := l.size(t)
	good := l.export(t, 0, b)
	r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), l.doc)
	stranger := newList(t, storetest.Open(t, storetest.SQLite(t)), 6)
	stranger.live(t, 100)

	if _, err := importing(r, good, stranger.doc.ListID()); !errors.Is(err, bundle.ErrList) {
		t.Errorf("another list: %v", err)
	}
	if _, err := importing(r, stranger.export(t, 0, stranger.size(t)), l.doc.ListID()); !errors.Is(err, bundle.ErrList) {
		t.Errorf("another list: %v", err)
	}
	for name, h := range map[string]bundle.Head{"empty": l.head(t, 5, 5), "backwards": l.head(t, 5, 4), "below": l.head(t, -1, 4), "beyond the checkpoint": l.head(t, 0, b+1)} {
		if _, err := bundle.Write(t.Context(), io.Discard, l, h, nil); !errors.Is(err, bundle.ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	forged := l.head(t, 0, b)
	forged.Tree.Root[0] ^= 1
	if _, err := bundle.Write(t.Context(), io.Discard, l, forged, nil); !errors.Is(err, bundle.ErrProof) {
		t.Errorf("another root: %v", err)
	}
	unsigned := l.head(t, 0, b)
	unsigned.Checkpoint = bytes.Replace(unsigned.Checkpoint, []byte("— "), []byte("— x"), 1)
	var out bytes.Buffer
	if _, err := bundle.Write(t.Context(), &out, l, unsigned, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := importing(r, out.Bytes(), ""); !errors.Is(err, bundle.ErrCheckpoint) {
		t.Errorf("not signed: %v", err)
	}

	// Whatever bit of it is turned, nothing is believed.
	plain := unpack(t, good)
	step := max(len(plain)/300, 1)
	if testing.Short() {
		step = max(len(plain)/40, 1)
	}
	for at := 0; at < len(plain); at += step {
		bad := bytes.Clone(plain)
		bad[at] ^= 1 << (at % 8)
		if _, err := bundle.Verify(t.Context(), file(pack(t, bad)), l.doc.ListID(), nil); err == nil {
			t.Errorf("byte %d turned: accepted", at)
		}
		if _, err := bundle.Verify(t.Context(), file(pack(t, plain[:at])), "", nil); err == nil {
			t.Errorf("cut at %d: accepted", at)
		}
	}
	for name, raw := range map[string][]byte{"more behind it": pack(t, append(bytes.Clone(plain), 0)), "a second one behind it": append(bytes.Clone(good), good...), "nothing": nil,
		"no zstd": plain, "cut": good[:len(good)-9]} {
		if _, err := bundle.Verify(t.Context(), file(raw), "", nil); !errors.Is(err, bundle.ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.size(t) != 0 {
		t.Errorf("%d leaves of it were stored", r.size(t))
	}
}

// A log that contradicts itself is found out: its second tree does not contain the first, wherever they part.
func TestFork(t *testing.T) {
	lengths := []int{1, 200, 256, 300}
	if testing.Short() {
		lengths = lengths[2:3] // whole bundles of leaves in common
	}
	for _, common := range lengths {
		one := newList(t, storetest.Open(t, storetest.SQLite(t)), 7)
		other := newList(t, storetest.Open(t, storetest.SQLite(t)), 7)
		for _, l := range []*list{one, other} {
			l.live(t, common)
		}
		one.live(t, 60)
		other.clock = other.clock.Add(time.Hour)
		other.live(t, 400)
		if one.doc.ListID() != other.doc.ListID() {
			t.Fatal("two lists")
		}
		r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), one.doc)
		if _, err := importing(r, one.export(t, 0, one.size(t)), ""); err != nil {
			t.Fatal(err)
		}
		before := r.state(t)
		for _, from := range []int64{0, one.size(t) / 2, one.size(t)} {
			if _, err := importing(r, other.export(t, from, other.size(t)), ""); !errors.Is(err, bundle.ErrFork) {
				t.Errorf("%d in common, from %d: %v", common, from, err)
			}
		}
		if r.state(t) != before {
			t.Errorf("%d in common: something of it was stored", common)
		}
	}
}

// With mirrors, a checkpoint without their quorum does not count.
func TestQuorum(t *testing.T) {
	_, private, err := ed25519.GenerateKey(diceOf(3))
	if err != nil {
		t.Fatal(err)
	}
	mirror, err := c2sp.NewCosigner("m.example/m", private)
	if err != nil {
		t.Fatal(err)
	}
	l := newListOf(t, storetest.Open(t, storetest.SQLite(t)), 8, func(c *charter.Charter) {
		c.Mirrors = &charter.Mirrors{Q: 1, List: []charter.Mirror{{VKey: mirror.VKey().String(), URL: "https://m.example"}}}
	})
	l.live(t, 20)
	h := l.head(t, 0, l.size(t))
	for _, cosigned := range []bool{false, true} {
		if cosigned {
			n, err := c2sp.ParseNote(h.Checkpoint)
			if err != nil {
				t.Fatal(err)
			}
			line, err := mirror.Cosign(n.Text, began)
			if err != nil {
				t.Fatal(err)
			}
			n.Lines = append(n.Lines, line)
			h.Checkpoint = n.Bytes()
		}
		var out bytes.Buffer
		if _, err := bundle.Write(t.Context(), &out, l, h, nil); err != nil {
			t.Fatal(err)
		}
		_, err := bundle.Verify(t.Context(), file(out.Bytes()), l.doc.ListID(), nil)
		if cosigned && err != nil || !cosigned && !errors.Is(err, bundle.ErrCheckpoint) {
			t.Errorf("cosigned %v: %v", cosigned, err)
		}
	}
}

var histories = flag.Int("histories", 25, "random histories of TestHistories")

// For any history, cut anywhere: the first bundle and those that follow make the state at the end. Bundles may be exported at any time after,
// overlap, and come twice.
func TestHistories(t *testing.T) {
	n := *histories
	if testing.Short() && n > 6 {
		n = 6
	}
	for seed := range n {
		t.Run(strconv.Itoa(seed), func(t *testing.T) { history(t, uint64(seed)) }) // its stores go with it
	}
}

func history(t *testing.T, seed uint64) {
	dice := rand.New(rand.NewPCG(seed, 12))
	l := newList(t, storetest.Open(t, storetest.SQLite(t)), 1000+seed)
	r := newReplica(t, storetest.Open(t, storetest.SQLite(t)), l.doc)
	var files [][]byte
	at := int64(0)
	for range 2 + dice.IntN(4) {
		l.live(t, dice.IntN(90))
		to := at + dice.Int64N(l.size(t)-at+1)
		if to == at {
			continue
		}
		from := max(0, at-dice.Int64N(20))
		files = append(files, l.export(t, from, to))
		at = to
	}
	if at < l.size(t) {
		files = append(files, l.export(t, at, l.size(t)))
	}
	for _, raw := range files {
		r.fails = dice.IntN(3) - 1 // sometimes it stops at once
		if _, err := importing(r, raw, l.doc.ListID()); err != nil && !errors.Is(err, errStopped) {
			t.Fatalf("history %d: %v", seed, err)
		}
		r.fails = -1
		for range 1 + dice.IntN(2) {
			if _, err := importing(r, raw, l.doc.ListID()); err != nil {
				t.Fatalf("history %d: %v", seed, err)
			}
		}
	}
	if got, want := r.state(t), l.state(t); got != want {
		t.Fatalf("history %d: the copy is another one:\n%s\nwant\n%s", seed, got, want)
	}
}

func unpack(t testing.TB, raw []byte) []byte {
	t.Helper()
	d, err := zstd.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	plain, err := io.ReadAll(d)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

var packer = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20), zstd.WithEncoderConcurrency(2))
})

func pack(t testing.TB, plain []byte) []byte {
	t.Helper()
	w, err := packer()
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(plain, nil)
}

// FuzzVerify: nothing panics, and what is accepted is the log's own, leaf for leaf: there is one tree that the key signed.
func FuzzVerify(f *testing.F) {
	l := newList(f, storetest.Open(f, storetest.SQLite(f)), 9)
	l.live(f, 40)
	size := l.size(f)
	var leaves [][]byte
	if err := l.Leaves(context.Background(), 0, size, func(_ int64, leaf []byte) error { leaves = append(leaves, leaf); return nil }); err != nil {
		f.Fatal(err)
	}
	tree, err := l.Stored(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	for _, span := range [][2]int64{{0, size}, {0, 1}, {size / 2, size}, {size - 1, size}} {
		f.Add(unpack(f, l.export(f, span[0], span[1])))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		for _, raw := range [][]byte{pack(t, plain), plain} {
			at := int64(-1)
			v, err := bundle.Verify(t.Context(), file(raw), l.doc.ListID(), func(i bundle.Item) {
				if at >= 0 && i.Index != at+1 || i.Index >= size || !bytes.Equal(i.Leaf, leaves[i.Index]) {
					t.Fatalf("leaf %d is believed", i.Index)
				}
				at = i.Index
			})
			if err == nil && (v.Tree != tree || v.To != at+1 || v.Leaves != v.To-v.From) {
				t.Fatalf("%+v is accepted", v.Head)
			}
		}
	})
}
