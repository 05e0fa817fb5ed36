package gate_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A check takes as long as folding the whole log; commands do not wait for it, and what they write is not a difference.
func TestCommandsGoOnDuringACheck(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		w.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
		var once sync.Once
		got, err := w.Gate.Replay(t.Context(), false, func(int64, int64) {
			once.Do(func() {
				written := make(chan struct{})
				go func() {
					defer close(written)
					w.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-03-01T00:00:00.000Z", 2))
				}()
				select {
				case <-written:
				case <-time.After(20 * time.Second):
					t.Error("a command waits for the check")
				}
			})
		})
		if err != nil || len(got) != len(w.Gate.Projections) || slices.ContainsFunc(got, func(r gate.Replayed) bool { return !r.Same() }) {
			t.Fatalf("%v %x", err, got)
		}
		if n := w.Size(t); n != 2 {
			t.Errorf("%d leaves", n)
		}
		later, err := w.Gate.Replay(t.Context(), false, nil)
		if err != nil || later[0] == got[0] {
			t.Errorf("a later check sees %x, as before (%v)", later, err)
		}
	})
}

// Without a scratch store the check is made in place, and leaves the tables as they were.
func TestCheckInPlace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		w.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
		c := w.Gate.Config
		c.Scratch = nil
		inPlace := gate.New(c)
		defer inPlace.Close()
		a, errA := inPlace.Replay(t.Context(), false, nil)
		b, errB := w.Gate.Replay(t.Context(), false, nil)
		if err := errors.Join(errA, errB); err != nil || a[0] != b[0] || a[1] != b[1] {
			t.Errorf("%v\n%x\n%x", err, a, b)
		}
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), store.Inline("tamper", `UPDATE registry_record SET state = 'REJECTED'`))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range []*gate.Gate{inPlace, inPlace, w.Gate} {
			if got, err := g.Replay(t.Context(), false, nil); !errors.Is(err, gate.ErrDiffers) || got[0].Same() || !got[1].Same() {
				t.Errorf("%v %x", err, got)
			}
		}
	})
}
