package gate_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// erasures is a history with erasures, and what must be true after it.
type erasures struct {
	w       *gatetest.World
	leaves  []version          // of records, by when they came
	current map[string]version // newest version by identifier
	erased  map[int64]bool
	n       int
}

type version struct {
	leaf int64
	id   string
	word string // stands in no other document
	raw  []byte
}

func newErasures(t *testing.T, db *store.DB) *erasures {
	return &erasures{w: gatetest.New(t, db), current: map[string]version{}, erased: map[int64]bool{}}
}

func (h *erasures) add(t testing.TB, id, state, updated string) registry.Verdict {
	h.n++
	v := version{leaf: h.w.Size(t), id: id, word: fmt.Sprintf("mark%dend", h.n)}
	v.raw = bytes.Replace(record(id, state, updated, h.n), []byte(`"value":"`), []byte(`"value":"`+v.word+` `), 1)
	verdict := h.w.Import(t, v.raw)[0]
	if verdict == registry.Added || verdict == registry.Updated {
		h.leaves, h.current[id] = append(h.leaves, v), v
	}
	return verdict
}

func (h *erasures) erase(t testing.TB, leaf int64) {
	h.w.Erase(t, leaf)
	h.erased[leaf] = true
}

// check asks for every document by its own word, and for every record by its identifier.
func (h *erasures) check(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	for _, v := range h.leaves {
		want := 0
		if h.current[v.id].leaf == v.leaf && !h.erased[v.leaf] {
			want = 1
		}
		page, err := h.w.Catalogue.Search(ctx, catalogue.Query{Text: v.word, Limit: 2})
		if err != nil || page.Total != want || len(page.Hits) != want {
			t.Fatalf("leaf %d: search finds %+v (%v), want %d", v.leaf, page, err, want)
		}
	}
	stand := 0
	for id, v := range h.current {
		_, err := h.w.Catalogue.Get(ctx, id)
		if h.erased[v.leaf] != errors.Is(err, catalogue.ErrErased) || !h.erased[v.leaf] && err != nil {
			t.Fatalf("%s (leaf %d, erased %v): %v", id, v.leaf, h.erased[v.leaf], err)
		}
		if err := h.w.DB.View(ctx, func(tx *store.Tx) error {
			leaves, _, err := h.w.Catalogue.Leaves(ctx, tx, id, math.MaxInt64)
			if !slices.Equal(leaves, []ledger.Part{{Index: v.leaf, Role: "base"}}) {
				t.Errorf("%s is made up of leaves %v, not of leaf %d alone", id, leaves, v.leaf)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if !h.erased[v.leaf] {
			stand++
			continue
		}
		before := h.w.Size(t)
		if got := h.w.Import(t, v.raw); got[0] != registry.Stale || h.w.Size(t) != before {
			t.Fatalf("%s: the erased document came in again: %s", id, got[0])
		}
	}
	seen := 0
	if err := h.w.Catalogue.Each(ctx, func(v *catalogue.View) error {
		seen++
		if h.erased[h.current[v.ID].leaf] {
			t.Errorf("each: %s was erased", v.ID)
		}
		return nil
	}); err != nil || seen != stand {
		t.Fatalf("each: %d records (%v), want %d", seen, err, stand)
	}
}

// For any history with erasures, the tables after live work equal those of a replay of the log without the bodies and those
// of a copy that never had them; and nothing of what was erased is left or comes back.
func TestErasedStaysErased(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newErasures(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 5).Draw(rt, "commands") {
				if len(h.leaves) > 0 && rapid.IntRange(0, 2).Draw(rt, "erase") == 0 {
					// Newest leaves are the most telling; superseded and erased ones are among them.
					h.erase(t, h.leaves[max(0, len(h.leaves)-1-rapid.IntRange(0, 9).Draw(rt, "which"))].leaf)
				} else {
					h.add(t, fmt.Sprintf("CVE-2026-%d", 1000+rapid.IntRange(0, 9).Draw(rt, "id")),
						rapid.SampledFrom([]string{"PUBLISHED", "REJECTED"}).Draw(rt, "state"),
						fmt.Sprintf("20%02d-%02d-01T00:00:00.000Z", 20+len(h.leaves)/20, rapid.IntRange(1, 12).Draw(rt, "month")))
				}
				h.w.Clock.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(rt, "clock")) * time.Millisecond)
				if rapid.IntRange(0, 9).Draw(rt, "note") == 0 {
					h.w.Note(t, "list.zip")
				}
			}
			if got, err := h.w.Gate.Replay(t.Context(), false, nil); err != nil {
				t.Fatalf("replay: %v %x", err, got) // not rt: a world that outlives the check cannot be shrunk
			}
		})
		h.check(t)
		copied := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
		applyAll(t, h.w, copied)
		a, errA := h.w.Gate.Replay(t.Context(), false, nil)
		b, errB := copied.Gate.Replay(t.Context(), false, nil)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a, b) {
			t.Errorf("a copy differs:\n%x\n%x", a, b)
		}
		h.w = copied
		h.check(t)
	})
}

// What was erased may be replaced by a newer document, and by nothing else.
func TestNewerThanTheErased(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	id, undated := "CVE-2026-1001", "CVE-2026-1002"
	w.Import(t, record(id, "PUBLISHED", "2026-02-01T00:00:00.000Z", 1), record(undated, "PUBLISHED", "", 1))
	w.Erase(t, 0)
	w.Erase(t, 1)
	for i, step := range []struct {
		raw  []byte
		want registry.Verdict
	}{
		{record(id, "PUBLISHED", "2026-01-01T00:00:00.000Z", 2), registry.Stale},
		{record(id, "PUBLISHED", "2026-02-01T00:00:00.000Z", 2), registry.Stale},
		{record(id, "PUBLISHED", "", 2), registry.Stale},
		{record(undated, "PUBLISHED", "", 2), registry.Stale},
		{record(id, "PUBLISHED", "2026-02-01T00:00:00.001Z", 2), registry.Updated},
		{record(undated, "PUBLISHED", "2026-01-01T00:00:00.000Z", 2), registry.Updated},
	} {
		if got := w.Import(t, step.raw); got[0] != step.want {
			t.Errorf("step %d: %s, want %s", i, got[0], step.want)
		}
	}
	for _, id := range []string{id, undated} {
		if _, err := w.Catalogue.Get(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
}
