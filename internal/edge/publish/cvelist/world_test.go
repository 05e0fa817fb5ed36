package cvelist

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
)

const worldList = "00000000000000000000000000000000000000000000000000000000000000aa"

// world is a list in memory that answers as the catalogue does, each answer by going through all of it.
type world struct {
	rng    *rand.Rand
	times  []time.Time // of the leaves
	clock  time.Time
	past   []*version
	ids    []string
	behind int64 // leaves that no checkpoint covers yet
	test   bool
}

type version struct {
	id     string
	leaf   int64
	until  int64
	erased int64
	raw    []byte
	made   bool
}

func newWorld(seed uint64) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 5)), clock: time.Date(2026, 11, 20, 20, 0, 0, 0, time.UTC)}
	w.leaf() // the charter
	return w
}

// leaf adds a leaf and says its index. Some enter on the stroke of an hour.
func (w *world) leaf() int64 {
	switch w.rng.IntN(8) {
	case 0:
		w.clock = w.clock.Truncate(time.Hour).Add(time.Hour)
	case 1, 2:
	default:
		w.clock = w.clock.Add(time.Duration(w.rng.Int64N(int64(40 * time.Minute)))).Truncate(time.Millisecond)
	}
	w.times = append(w.times, w.clock)
	return int64(len(w.times)) - 1
}

func (w *world) newest(id string) *version {
	for _, v := range slices.Backward(w.past) {
		if v.id == id {
			return v
		}
	}
	return nil
}

// put makes a new version of a record: published, rejected, or brought back.
func (w *world) put(id string, made bool) {
	leaf := w.leaf()
	state := "PUBLISHED"
	if w.rng.IntN(4) == 0 {
		state = "REJECTED"
	}
	raw := fmt.Appendf(nil, `{"dataType":"CVE_RECORD","cveMetadata":{"cveId":%q,"state":%q,"dateUpdated":%q},"n":%d,"word":"secret-%d"}`,
		id, state, cve.FormatTime(w.clock), leaf, leaf)
	if old := w.newest(id); old != nil {
		old.until = leaf
	} else {
		w.ids = append(w.ids, id)
	}
	w.past = append(w.past, &version{id: id, leaf: leaf, until: math.MaxInt64, erased: -1, raw: raw, made: made})
}

// step lets something happen.
func (w *world) step() {
	switch n := w.rng.IntN(20); {
	case n < 8 || len(w.ids) == 0:
		id := fmt.Sprintf("CVE-%d-%04d", 2024+w.rng.IntN(3), w.rng.IntN(2500))
		w.put(id, w.rng.IntN(2) == 0)
	case n < 14:
		w.put(w.ids[w.rng.IntN(len(w.ids))], w.rng.IntN(2) == 0)
	case n < 16: // erase some version, the newest or an old one
		if v := w.past[w.rng.IntN(len(w.past))]; v.erased < 0 {
			v.erased = w.leaf()
			v.raw = nil
		}
	default: // a private fact, a heartbeat
		w.leaf()
	}
}

func (w *world) ID() string { return worldList }
func (w *world) Test() bool { return w.test }

func (w *world) root(size int64) [32]byte { return sha256.Sum256(fmt.Append(nil, "root ", size)) }

func (w *world) Published(context.Context) (Checkpoint, error) {
	size := int64(len(w.times)) - w.behind
	return Checkpoint{Size: size, Root: w.root(size), Note: fmt.Appendf(nil, "tasuki.test/log\n%d\n", size)}, nil
}

func (w *world) At(_ context.Context, size int64) (Moment, error) {
	if size > int64(len(w.times)) {
		return Moment{}, catalogue.ErrAt
	}
	m := Moment{Size: size, Root: w.root(size)}
	if size > 0 {
		m.Time = w.times[size-1]
	}
	return m, nil
}

func (w *world) SizeAt(_ context.Context, at time.Time) (int64, error) {
	n, _ := slices.BinarySearchFunc(w.times, at, func(a, b time.Time) int {
		if a.After(b) {
			return 1
		}
		return -1
	})
	return int64(n), nil
}

func (v *version) stood(size int64) bool { return v.leaf < size && size <= v.until }

func (w *world) Steps(_ context.Context, from, to int64) ([]catalogue.Step, error) {
	var out []catalogue.Step
	for _, v := range w.past {
		if !v.stood(to) || v.leaf < from && (v.erased < from || v.erased >= to) {
			continue
		}
		s := catalogue.Step{ID: v.id, Leaf: v.leaf, Gone: v.erased >= 0 && v.erased < to}
		for _, old := range w.past {
			s.Had = s.Had || old.id == v.id && old.stood(from) && (old.erased < 0 || old.erased >= from)
		}
		out = append(out, s)
	}
	return out, nil
}

func (w *world) Originals(_ context.Context, refs []catalogue.Ref, fn func(i int, raw []byte, made bool) error) error {
	for i, ref := range refs {
		for _, v := range w.past {
			if v.leaf == ref.Leaf {
				if err := fn(i, v.raw, v.made); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (w *world) Erasures(_ context.Context, from, to int64) ([]catalogue.Erasure, error) {
	var out []catalogue.Erasure
	for _, v := range w.past {
		if v.erased >= from && v.erased < to {
			out = append(out, catalogue.Erasure{Ref: catalogue.Ref{ID: v.id, Leaf: v.leaf}, Until: v.until, Erased: v.erased})
		}
	}
	slices.SortFunc(out, func(a, b catalogue.Erasure) int { return cmp.Compare(a.Erased, b.Erased) })
	return out, nil
}

// state is the list at a size as path and bytes, with what is there now: the definition that everything is held to.
func (w *world) state(t testing.TB, size int64) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, v := range w.past {
		if v.stood(size) && v.raw != nil {
			id, err := cve.ParseID(v.id)
			if err != nil {
				t.Fatal(err)
			}
			raw := v.raw
			if v.made {
				if raw, err = indented(raw); err != nil {
					t.Fatal(err)
				}
			}
			out[id.Path()] = string(raw)
		}
	}
	return out
}

// lost says that some version of a record was erased.
func (w *world) lost(id string) bool {
	return slices.ContainsFunc(w.past, func(v *version) bool { return v.id == id && v.erased >= 0 })
}

// forgotten are the words of bodies that were erased: nothing that is published may hold one of them.
func (w *world) forgotten(text string) (found []string) {
	for _, v := range w.past {
		if word := fmt.Sprintf("secret-%d\"", v.leaf); v.raw == nil && strings.Contains(text, word) {
			found = append(found, word)
		}
	}
	return found
}

// differs says in what two states differ, "" when in nothing.
func differs(got, want map[string]string) string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(want)) {
		if have, ok := got[path]; !ok {
			fmt.Fprintf(&b, "%s is missing\n", path)
		} else if have != want[path] {
			fmt.Fprintf(&b, "%s is\n%s\nwant\n%s\n", path, have, want[path])
		}
	}
	for _, path := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[path]; !ok {
			fmt.Fprintf(&b, "%s is too much\n", path)
		}
	}
	return b.String()
}
