package bundle_test

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"tasuki/internal/edge/publish/bundle"
	"tasuki/internal/ledger"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/c2sp"
)

// Whatever range a bundle has, each of its leaves is proven below its checkpoint by what the file has, and by nothing else.
func TestProve(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := newList(t, db, 7)
		l.live(t, 700)
		size := l.head(t, 0, 1).Tree.Size
		for _, r := range [][2]int64{{0, size}, {0, 1}, {1, 2}, {size - 1, size}, {255, 257}, {256, 512}, {3, size - 3}, {300, 301}} {
			raw := l.export(t, r[0], r[1])
			proven := int64(0)
			h, err := bundle.Prove(context.Background(), file(raw), "", func(bundle.Item) bool { return true }, func(i bundle.Item, proof []byte) error {
				parts, err := c2sp.ParseProofs(proof, 1)
				if err != nil {
					return err
				}
				if parts[0].Index != i.Index || i.Index != r[0]+proven {
					t.Fatalf("leaf %d is told as %d", i.Index, parts[0].Index)
				}
				proven++
				tree := l.head(t, r[0], r[1]).Tree
				return tlog.CheckRecord(parts[0].Path, tree.Size, tree.Root, i.Index, ledger.LeafHash(i.Leaf))
			})
			if err != nil || proven != r[1]-r[0] || h.From != r[0] {
				t.Fatalf("%v: %d leaves proven, %v", r, proven, err)
			}
			// Of a file that is damaged behind the leaf that is wanted, nothing is told.
			raw[len(raw)-1] ^= 1
			_, err = bundle.Prove(context.Background(), file(raw), "", func(i bundle.Item) bool { return i.Index == r[0] },
				func(bundle.Item, []byte) error { return errors.New("told") })
			if err == nil || err.Error() == "told" {
				t.Fatalf("%v: damaged: %v", r, err)
			}
		}
	})
}
