package ledger

import (
	"context"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A log that was cut is the log that it was at that size, sound in every part, and grows again to any other.
func TestCut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		s.extend(t, 700) // two full tiles and more
		for _, size := range []int64{699, 513, 512, 300, 257, 256, 100, 1, 0} {
			var want Hash
			view(t, db, func(tx *store.Tx) (err error) { want, err = s.RootAt(ctx, tx, size); return err })
			update(t, db, func(tx *store.Tx) error {
				if _, err := s.Lock(ctx, tx); err != nil {
					return err
				}
				return s.Cut(ctx, tx, size)
			})
			view(t, db, func(tx *store.Tx) error {
				h, err := s.Head(ctx, tx)
				if err != nil || h.Size != size || h.Root() != want {
					t.Fatalf("at %d: %d leaves, root %v, want %v (%v)", size, h.Size, h.Root(), want, err)
				}
				return s.Fsck(ctx, tx, FsckOptions{Read: sampleMeaning, Private: true}, func(p Problem) {
					// Bodies that leaves beyond erased are gone; what says so went with the leaf.
					if p.Index != sampleErased && p.Index != sampleErasedPrivate {
						t.Errorf("at %d: %s", size, p)
					}
				})
			})
		}
		// What grows after is the same as in a log that never was larger.
		s.extend(t, 600)
		view(t, db, func(tx *store.Tx) error {
			return s.Fsck(ctx, tx, FsckOptions{Read: sampleMeaning, Private: true}, func(p Problem) { t.Errorf("grown again: %s", p) })
		})
	})
}

// A node that was operator, dropped what nobody went on with, and is operator again in a later epoch, can sign.
func TestSignAfterCut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		s := newSample(t, db)
		if _, _, err := NewSigner(s.Log, SignerOptions{Key: s.key, Holder: "a", Now: fixedNow}).Sign(ctx); err != nil {
			t.Fatal(err)
		}
		update(t, db, func(tx *store.Tx) error {
			if _, err := s.Lock(ctx, tx); err != nil {
				return err
			}
			return s.Cut(ctx, tx, 200)
		})
		s.extend(t, 250)
		next := otherKey(t, "tasuki/9c1f00aa5d77e013/3-third")
		c, fresh, err := NewSigner(s.Log, SignerOptions{Key: next, Holder: "a", Now: fixedNow}).Sign(ctx)
		if err != nil || !fresh || c.Size != 250 {
			t.Errorf("%+v, %v, %v", c, fresh, err)
		}
	})
}
