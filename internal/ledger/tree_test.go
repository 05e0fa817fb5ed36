package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func migrated(t testing.TB, db *store.DB) *Log {
	t.Helper()
	if err := db.Migrate(context.Background(), Schema()); err != nil {
		t.Fatal(err)
	}
	return New(db)
}

// testLeaf is the i-th leaf of the logs these tests write: one millisecond after the other, each about its own subject.
func testLeaf(t testing.TB, i, back int64) []byte {
	t.Helper()
	raw, err := Leaf{Event: fmt.Appendf(nil, `{"n":%d}`, i), Stamp: Stamp{Back: back, Time: 1_000 + i}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// grow appends leaves until the log has size leaves, in one transaction.
func grow(t testing.TB, db *store.DB, l *Log, size int64) Head {
	t.Helper()
	ctx := context.Background()
	var h Head
	err := db.Update(ctx, func(tx *store.Tx) (err error) {
		if h, err = l.Lock(ctx, tx); err != nil {
			return err
		}
		for h.Size < size {
			if _, err := l.Append(ctx, tx, &h, testLeaf(t, h.Size, -1), nil, ""); err != nil {
				return err
			}
		}
		return l.Save(ctx, tx, h)
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// memory is the reference: all stored hashes, computed by tlog.
type memory struct{ hashes []Hash }

func (m *memory) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		out[i] = m.hashes[x]
	}
	return out, nil
}

func (m *memory) grow(t testing.TB, size int64) {
	for n := tlogSize(m); n < size; n++ {
		hs, err := tlog.StoredHashes(n, testLeaf(t, n, -1), m)
		if err != nil {
			t.Fatal(err)
		}
		m.hashes = append(m.hashes, hs...)
	}
}

func tlogSize(m *memory) int64 {
	n := int64(0)
	for tlog.StoredHashCount(n) < int64(len(m.hashes)) {
		n++
	}
	return n
}

func (m *memory) root(t testing.TB, size int64) Hash {
	if size == 0 {
		return Head{}.Root()
	}
	h, err := tlog.TreeHash(size, m)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// TestHeadAgreesWithTlog advances a bare frontier leaf by leaf.
func TestHeadAgreesWithTlog(t *testing.T) {
	var h Head
	var m memory
	for n := int64(0); n < 3000; n++ {
		if h.Root() != m.root(t, n) {
			t.Fatalf("root at size %d differs from tlog's", n)
		}
		old, before := h, h.Root()
		leaf := testLeaf(t, n, -1)
		hs, err := tlog.StoredHashes(n, leaf, &m)
		if err != nil {
			t.Fatal(err)
		}
		m.hashes = append(m.hashes, hs...)
		h.push(LeafHash(leaf))
		if old.Root() != before {
			t.Fatalf("pushing leaf %d changed a copy of the old head", n)
		}
	}
}

// TestTreeAgreesWithTlog grows a log in transactions of random size and compares every tile, many inclusion and
// consistency proofs, and what tlog's own verifying reader makes of our tiles.
func TestTreeAgreesWithTlog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := migrated(t, db)
		var m memory
		rng := rand.New(rand.NewPCG(1, 2))
		for _, size := range []int64{1, 2, 3, 7, 100, 255, 256, 257, 258, 400, 511, 512, 513, 769, 1100} {
			h := grow(t, db, l, size)
			m.grow(t, size)
			checkTree(t, db, l, &m, h, rng)
		}
	})
}

// TestTreeAroundLevelTwo crosses 65,536, where a level-1 tile fills, with the tail remembered and with a fresh Log
// that has to read the leaves back.
func TestTreeAroundLevelTwo(t *testing.T) {
	if testing.Short() {
		t.Skip("appends 66,000 leaves")
	}
	db := storetest.Open(t, storetest.SQLite(t))
	migrated(t, db)
	var m memory
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range []int64{65_279, 65_281, 65_535, 65_536, 65_537, 65_793, 66_000} {
		l := New(db)
		h := grow(t, db, l, size)
		m.hashes = nil
		m.grow(t, size)
		checkTree(t, db, l, &m, h, rng)
	}
}

func checkTree(t *testing.T, db *store.DB, l *Log, m *memory, h Head, rng *rand.Rand) {
	t.Helper()
	ctx := context.Background()
	size := h.Size
	root := m.root(t, size)
	if h.Root() != root {
		t.Fatalf("root at size %d differs from tlog's", size)
	}
	err := db.View(ctx, func(tx *store.Tx) error {
		stored, err := l.Head(ctx, tx)
		if err != nil || stored.Size != size || stored.Root() != root || stored.Time != 1_000+size-1 {
			return fmt.Errorf("stored head %d, time %d, %v", stored.Size, stored.Time, err)
		}
		for level := int64(0); size>>(8*level) > 0; level++ {
			have := size >> (8 * level)
			for n := int64(0); n*256 < have; n++ {
				width := int(min(256, have-n*256))
				want, err := tlog.ReadTileData(tlog.Tile{H: 8, L: int(level), N: n, W: width}, m)
				if err != nil {
					return err
				}
				got, err := l.Tile(ctx, tx, size, level, n, width)
				if err != nil || !bytes.Equal(got, want) {
					return fmt.Errorf("tile %d/%d.p/%d at size %d differs: %v", level, n, width, size, err)
				}
				if width > 1 { // a tile that is full today was partial at an earlier size
					if got, err = l.Tile(ctx, tx, size, level, n, width-1); err != nil || !bytes.Equal(got, want[:len(want)-32]) {
						return fmt.Errorf("tile %d/%d.p/%d at size %d differs: %v", level, n, width-1, size, err)
					}
				}
			}
			if _, err := l.Tile(ctx, tx, size, level, have/256, int(have%256)+1); !errors.Is(err, ErrSize) {
				return fmt.Errorf("a tile beyond size %d: %v", size, err)
			}
		}
		verifying := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, l.TileReader(ctx, tx, size))
		for range 20 {
			at := 1 + rng.Int64N(size)
			index := rng.Int64N(at)
			p, err := l.ProveInclusion(ctx, tx, at, index)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(p, at, m.root(t, at), index, LeafHash(testLeaf(t, index, -1))); err != nil {
				return fmt.Errorf("inclusion of %d at %d: %w", index, at, err)
			}
			c, err := l.ProveConsistency(ctx, tx, at, size)
			if err != nil {
				return err
			}
			if err := tlog.CheckTree(c, size, root, at, m.root(t, at)); err != nil {
				return fmt.Errorf("consistency of %d with %d: %w", at, size, err)
			}
			if r, err := l.RootAt(ctx, tx, at); err != nil || r != m.root(t, at) {
				return fmt.Errorf("root at %d: %w", at, err)
			}
			q, err := tlog.ProveRecord(size, index, verifying)
			if err != nil {
				return fmt.Errorf("tlog over our tiles: %w", err)
			}
			if err := tlog.CheckRecord(q, size, root, index, LeafHash(testLeaf(t, index, -1))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAppendRolledBack grows, rolls back, and grows differently: the remembered tail must not leak into the log.
func TestAppendRolledBack(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := migrated(t, db)
		ctx := context.Background()
		grow(t, db, l, 250)
		err := db.Update(ctx, func(tx *store.Tx) error {
			h, err := l.Lock(ctx, tx)
			if err != nil {
				return err
			}
			for range 3 {
				if _, err := l.Append(ctx, tx, &h, testLeaf(t, 999, -1), nil, ""); err != nil {
					return err
				}
			}
			if err := l.Save(ctx, tx, h); err != nil {
				return err
			}
			return errors.New("no")
		})
		if err == nil {
			t.Fatal("the transaction was not rolled back")
		}
		var m memory
		m.grow(t, 600)
		checkTree(t, db, l, &m, grow(t, db, l, 600), rand.New(rand.NewPCG(5, 6)))
	})
}

func TestAppendRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := migrated(t, db)
		ctx := context.Background()
		grow(t, db, l, 3)
		for name, tc := range map[string]struct {
			leaf []byte
			want error
		}{
			"earlier":      {[]byte(`{"e":{},"o":{"back":-1,"t":"1970-01-01T00:00:01.001Z"},"s":[]}`), ErrOrder},
			"back at self": {testLeaf(t, 3, 3), ErrOrder},
			"back at -2":   {testLeaf(t, 3, -2), ErrOrder},
			"not a leaf":   {[]byte(`{}`), ErrMalformed},
			"too long":     {bytes.Replace(testLeaf(t, 3, -1), []byte(`"n":3`), append([]byte(`"n":"`), append(bytes.Repeat([]byte("x"), MaxLeaf), '"')...), 1), ErrMalformed},
		} {
			err := db.Update(ctx, func(tx *store.Tx) error {
				h, err := l.Lock(ctx, tx)
				if err != nil {
					return err
				}
				_, err = l.Append(ctx, tx, &h, tc.leaf, nil, "")
				return err
			})
			if !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", name, err, tc.want)
			}
		}
	})
}

// TestHeadEdgeRoundTrip: a head row reads back as the head that was written, and any other edge length is refused.
func TestHeadEdgeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Head{Size: rapid.Int64Range(0, 1<<40).Draw(t, "size")}
		edge := rapid.SliceOfN(rapid.Byte(), 0, 41*32).Draw(t, "edge")
		if err := h.setEdge(edge); err != nil {
			if !errors.Is(err, ErrHead) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(h.edgeBytes(), edge) {
			t.Fatal("edge does not come back")
		}
	})
}
