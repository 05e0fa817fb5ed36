package program_test

import (
	"bytes"
	"context"
	"testing"

	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A block's leaf binds its owner and does not name them: no leaf that a grant writes says whose the numbers are, in any form that somebody
// without the salt could try names against. The first publication brings the salt, which opens it to its author and to nobody else.
func TestABlockNamesNobodyBeforeItsFirstPublication(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := withAdmins(t, newWorld(t, db))
		acme, other := w.signer(t, "acme", 1), w.signer(t, "other", 2)
		entries := func(from int64) (out []*event.Entry, raw [][]byte) {
			t.Helper()
			size := w.Size(t)
			err := db.View(t.Context(), func(tx *store.Tx) error {
				for ; from < size; from++ {
					leaf, body, err := w.Service.Log.LeafAndBody(context.Background(), tx, from)
					if err != nil {
						return err
					}
					e, err := event.Open(from, leaf, body)
					if err != nil {
						return err
					}
					out, raw = append(out, e), append(raw, bytes.Clone(leaf))
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return out, raw
		}
		before := w.Size(t)
		b := blockOf{w.grant(t, acme, 1000)}
		granted, raw := entries(before)
		var block *event.Entry
		for i, e := range granted {
			for _, name := range []string{acme.id, "acme"} {
				if bytes.Contains(raw[i], []byte(name)) {
					t.Errorf("leaf %d names the owner: %s", e.Index, raw[i])
				}
			}
			if e.Own != nil {
				t.Errorf("leaf %d opens a commitment", e.Index)
			}
			if e.Kind == event.BlockGranted {
				block = e
			}
		}
		if block == nil || len(block.Owner) != 64 || block.By == acme.id {
			t.Fatalf("granted: %+v", block)
		}
		if block.Owner == event.BlockOwner([16]byte{}, acme.id) {
			t.Error("the owner can be guessed: no salt")
		}
		before = w.Size(t)
		w.submit(t, acme.first(t, b.id(7), "One"))
		published, _ := entries(before)
		opened := false
		for _, e := range published {
			if e.Own == nil {
				continue
			}
			opened = true
			if e.Own.Index != block.Index || event.BlockOwner(e.Own.Salt, acme.id) != block.Owner || event.BlockOwner(e.Own.Salt, other.id) == block.Owner {
				t.Errorf("leaf %d does not open the block to its owner alone: %+v", e.Index, e.Own)
			}
		}
		if !opened {
			t.Error("the first publication opens nothing")
		}
	})
}
