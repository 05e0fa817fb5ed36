package charter

import (
	"context"
	"errors"
	"testing"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func TestSaveAndLoad(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx, Schema()); err != nil {
			t.Fatal(err)
		}
		load := func() (c *Chain, err error) {
			verr := db.View(ctx, func(tx *store.Tx) error { c, err = Load(ctx, tx); return nil })
			if verr != nil {
				t.Fatal(verr)
			}
			return c, err
		}
		save := func(c *Chain) error {
			return db.Update(ctx, func(tx *store.Tx) error { return Save(ctx, tx, c) })
		}
		if _, err := load(); !errors.Is(err, ErrNone) {
			t.Fatalf("an empty store: %v", err)
		}
		c := threeOfFive(t)
		if err := save(c); err != nil {
			t.Fatal(err)
		}
		d, err := c.OpenEpoch(clock, Epoch{Log: pub(firstLog + 1), Size: 3})
		if err != nil {
			t.Fatal(err)
		}
		sign(d, 1, 2, 3)
		extend(t, c, d)
		for range 2 { // the second time there is nothing to do
			if err := save(c); err != nil {
				t.Fatal(err)
			}
		}
		back, err := load()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := wire(t, back.Documents()), wire(t, c.Documents()); len(got) != 2 || string(got[1]) != string(want[1]) || back.ListID() != c.ListID() {
			t.Errorf("read back %d charters of %s", len(got), back.ListID())
		}

		other := threeOfFive(t)
		e, err := other.Amend(clock, func(n *Charter) { n.Reason = "a sibling" })
		if err != nil {
			t.Fatal(err)
		}
		sign(e, 3, 4, 5)
		extend(t, other, e)
		if err := save(other); !errors.Is(err, ErrSibling) {
			t.Errorf("a sibling was stored: %v", err)
		}

		// A charter put into the table by other means than its board's keys is noticed.
		forged, err := c.Amend(clock, func(n *Charter) { n.Reason = "forged" })
		if err != nil {
			t.Fatal(err)
		}
		raw, err := forged.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, insertCharter, 3, raw); return err }); err != nil {
			t.Fatal(err)
		}
		if _, err := load(); !errors.Is(err, ErrThreshold) {
			t.Errorf("a forged charter was loaded: %v", err)
		}
	})
}

// A board that signed twice is caught for good: the siblings are kept, at most 16 of a version, and nothing else is.
func TestSiblings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		if err := db.Migrate(ctx, Schema()); err != nil {
			t.Fatal(err)
		}
		c := threeOfFive(t)
		amend := func(on *Chain, reason string, keys ...int) *Document {
			d, err := on.Amend(clock, func(n *Charter) { n.Reason = reason })
			if err != nil {
				t.Fatal(err)
			}
			sign(d, keys...)
			return d
		}
		var twins []*Document
		for i := range MaxSiblings + 1 {
			twins = append(twins, amend(c, "twin "+string(rune('a'+i)), 1, 2, 3))
		}
		weak, first := amend(c, "weak", 1, 2), amend(c, "first", 3, 4, 5)
		extend(t, c, first)
		keep := func(d *Document) error {
			return db.Update(ctx, func(tx *store.Tx) error { return SaveSibling(ctx, tx, c, d) })
		}
		for i, d := range twins[:MaxSiblings] {
			for range 2 { // the second time there is nothing to do
				if err := keep(d); err != nil {
					t.Fatalf("twin %d: %v", i, err)
				}
			}
		}
		for name, tc := range map[string]struct {
			d    *Document
			want error
		}{
			"one too many": {twins[MaxSiblings], ErrSiblings}, "of the chain": {first, ErrKnown}, "without force": {weak, ErrThreshold},
			"the next charter": {amend(c, "next", 1, 2, 3), ErrGap},
		} {
			if err := keep(tc.d); !errors.Is(err, tc.want) {
				t.Errorf("%s: %v, want %v", name, err, tc.want)
			}
		}
		load := func() (docs []*Document, err error) {
			verr := db.View(ctx, func(tx *store.Tx) error { docs, err = Siblings(ctx, tx, c); return nil })
			return docs, errors.Join(verr, err)
		}
		kept, err := load()
		if err != nil || len(kept) != MaxSiblings {
			t.Fatalf("%d kept, %v", len(kept), err)
		}
		if other, err := c.With(kept[0]); err != nil || other.Head().Hash() != kept[0].Hash() || len(other.Documents()) != 2 {
			t.Errorf("the other branch: %v", err)
		}
		if _, err := c.With(weak); !errors.Is(err, ErrThreshold) {
			t.Errorf("a branch without force: %v", err)
		}
		raw, err := weak.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, insertSibling, 2, weak.Hash(), raw); return err }); err != nil {
			t.Fatal(err)
		}
		if _, err := load(); err == nil {
			t.Error("a forged sibling was loaded")
		}
	})
}
