package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"tasuki/internal/catalogue"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// What differs between any two sizes, the bytes of any version, and which versions are erased, are what going through the whole log says.
func TestPublicationIsWhatTheLogSays(t *testing.T) {
	rounds := 40
	if testing.Short() {
		rounds = 12
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := newPast(t, db)
		gone, had, lost := 0, 0, 0
		for range rounds {
			for range 1 + p.dice.IntN(8) {
				p.step(t)
			}
			n := readLog(t, p.w)
			size := int64(len(n.leaves))
			for range 6 {
				to := p.dice.Int64N(size + 1)
				from := p.dice.Int64N(to + 1)
				got, err := p.w.Catalogue.Steps(t.Context(), from, to)
				if err != nil {
					t.Fatal(err)
				}
				want := n.steps(from, to)
				if !slices.Equal(got, want) {
					t.Fatalf("from %d to %d:\n%+v, want\n%+v", from, to, got, want)
				}
				var refs []catalogue.Ref
				for _, s := range got {
					refs = append(refs, catalogue.Ref{ID: s.ID, Leaf: s.Leaf})
					if s.Gone {
						gone++
					}
					if s.Had {
						had++
					}
				}
				next := 0
				err = p.w.Catalogue.Originals(t.Context(), refs, func(i int, raw []byte, made bool) error {
					l := n.leaves[refs[i].Leaf]
					whole := len(l.shows) == 1 && l.shows[0] == l.index && !bytes.Contains(l.raw, []byte("put here"))
					if i != next || !bytes.Equal(raw, l.raw) || raw != nil && !whole && !made {
						return fmt.Errorf("%s, leaf %d: %s, made %v, want %s", refs[i].ID, refs[i].Leaf, raw, made, l.raw)
					}
					if raw == nil {
						lost++
					}
					next++
					return nil
				})
				if err != nil || next != len(refs) {
					t.Fatalf("%d of %d: %v", next, len(refs), err)
				}
				erased, err := p.w.Catalogue.Erasures(t.Context(), from, to)
				if err != nil || !slices.Equal(erased, n.erasures(from, to)) {
					t.Fatalf("from %d to %d: %+v (%v), want %+v", from, to, erased, err, n.erasures(from, to))
				}
			}
		}
		if gone == 0 || had == 0 || lost == 0 {
			t.Errorf("%d gone, %d had, %d lost: the history was too poor to show much", gone, had, lost)
		}
		n := int64(len(readLog(t, p.w).leaves))
		for _, span := range [][2]int64{{0, n + 1}, {-1, 1}, {2, 1}} {
			if _, err := p.w.Catalogue.Steps(t.Context(), span[0], span[1]); !errors.Is(err, catalogue.ErrAt) {
				t.Errorf("from %d to %d: %v", span[0], span[1], err)
			}
		}
	})
}

// first is the newest version of each record at a size, by going through the log.
func (n *naive) first(size int64) map[string]int64 {
	out := map[string]int64{}
	for i := range n.leaves[:size] {
		if n.leaves[i].id != "" {
			out[n.leaves[i].id] = int64(i)
		}
	}
	return out
}

func (n *naive) steps(from, to int64) []catalogue.Step {
	before, after := n.first(from), n.first(to)
	type placed struct {
		place int64
		step  catalogue.Step
	}
	var all []placed
	for id, leaf := range after {
		by := n.erasure(leaf, to)
		if leaf < from && by < from {
			continue
		}
		old, known := before[id]
		all = append(all, placed{max(leaf, by), catalogue.Step{ID: id, Leaf: leaf, Gone: by >= 0, Had: known && n.erasure(old, from) < 0}})
	}
	slices.SortFunc(all, func(a, b placed) int { return int(a.place - b.place) })
	var out []catalogue.Step
	for _, p := range all {
		out = append(out, p.step)
	}
	return out
}

func (n *naive) erasures(from, to int64) []catalogue.Erasure {
	var out []catalogue.Erasure
	for i, l := range n.leaves {
		by, ok := n.erased[int64(i)]
		if !ok || by < from || by >= to {
			continue
		}
		e := catalogue.Erasure{Ref: catalogue.Ref{ID: l.id, Leaf: int64(i)}, Until: math.MaxInt64, Erased: by}
		for j := i + 1; j < len(n.leaves); j++ {
			if n.leaves[j].id == l.id {
				e.Until = int64(j)
				break
			}
		}
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(a, b catalogue.Erasure) int { return int(a.Erased - b.Erased) })
	return out
}
