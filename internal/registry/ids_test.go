package registry_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

const (
	acme  = "22222222-2222-4222-8222-222222222222"
	other = "33333333-3333-4333-8333-333333333333"
	adp   = "44444444-4444-4444-8444-444444444444"
	ann   = "55555555-5555-4555-8555-555555555555"
)

func do(t testing.TB, w *gatetest.World, fn func(ctx context.Context, turn *gate.Turn) error) error {
	t.Helper()
	return w.Gate.Do(context.Background(), gatetest.Importer, gate.Command{Action: authority.Govern, Decide: fn})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// reserve gives out identifiers to acme.
func reserve(t testing.TB, w *gatetest.World, year int64, n int, batch registry.Batch) (ids []string, err error) {
	t.Helper()
	err = do(t, w, func(ctx context.Context, turn *gate.Turn) error {
		out, err := registry.Reserve(ctx, turn.Tx, turn, registry.Reservation{Year: year, Amount: n, Batch: batch, Owner: acme, ByOrg: acme, ByUser: ann})
		for _, r := range out {
			ids = append(ids, r.ID)
		}
		return err
	})
	return ids, err
}

func open(t testing.TB, w *gatetest.World, year int64) error {
	t.Helper()
	return do(t, w, func(ctx context.Context, turn *gate.Turn) error {
		return registry.OpenRange(ctx, turn.Tx, turn, year, event.Skip{})
	})
}

func identifier(t testing.TB, w *gatetest.World, id string) (i registry.Identifier, err error) {
	t.Helper()
	err = w.DB.View(context.Background(), func(tx *store.Tx) (err error) {
		i, err = registry.GetID(context.Background(), tx, id)
		return err
	})
	return i, err
}

func TestAllocation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		if _, err := reserve(t, w, 2026, 1, registry.Single); !errors.Is(err, registry.ErrNoRange) {
			t.Errorf("without a range: %v", err)
		}
		must(t, open(t, w, 2026))
		if err := open(t, w, 2026); !errors.Is(err, registry.ErrRangeExists) {
			t.Errorf("opened twice: %v", err)
		}
		// What another list published is taken.
		w.Import(t, record("CVE-2026-0002", ""), record("CVE-2026-20002", ""))
		for _, c := range []struct {
			n     int
			batch registry.Batch
			want  []string
		}{
			{1, registry.Single, []string{"CVE-2026-0001"}},
			{1, registry.Single, []string{"CVE-2026-0003"}},
			{3, registry.Sequential, []string{"CVE-2026-20001", "CVE-2026-20003", "CVE-2026-20004"}},
			{1, registry.Sequential, []string{"CVE-2026-20005"}},
		} {
			got, err := reserve(t, w, 2026, c.n, c.batch)
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("%d %s: %q (%v), want %q", c.n, c.batch, got, err, c.want)
			}
		}
		// A pool of a hundred and more stands aside, and the next row comes after it.
		drawn, err := reserve(t, w, 2026, 10, registry.NonSequential)
		if err != nil || len(drawn) != 10 || slices.IsSorted(drawn) {
			t.Errorf("drawn: %q (%v)", drawn, err)
		}
		next, err := reserve(t, w, 2026, 1, registry.Sequential)
		if err != nil || next[0] != "CVE-2026-20116" {
			t.Errorf("after a pool of 110: %q (%v)", next, err)
		}
		i, err := identifier(t, w, drawn[0])
		if err != nil || i.State != cve.Reserved || i.Owner != acme || i.Record || i.Opened || !i.Reserved.Equal(w.Clock.Now()) {
			t.Errorf("%+v (%v)", i, err)
		}
	})
}

// history makes random decisions, and remembers what must be so.
type history struct {
	w     *gatetest.World
	state map[string]cve.State
	owner map[string]string
	asked map[string]int64 // leaf that says who asked for it
	n     int
}

func newHistory(t testing.TB, db *store.DB) *history {
	return &history{w: gatetest.New(t, db), state: map[string]cve.State{}, owner: map[string]string{}, asked: map[string]int64{}}
}

func (h *history) about(t testing.TB, id string, fn func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error) error {
	return do(t, h.w, func(ctx context.Context, turn *gate.Turn) error {
		i, err := registry.GetID(ctx, turn.Tx, id)
		if err != nil {
			return err
		}
		return fn(ctx, turn, i)
	})
}

// Whatever is decided, in whatever order: each number is given out once, states and owners are those that were asked for, the
// number of reserved identifiers is exact, and a replay gives the same tables, erasures included.
func TestIdentifiersReplay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		h := newHistory(t, db)
		must(t, open(t, h.w, 2026))
		h.w.Import(t, record("CVE-2026-0004", "2026-01-01T00:00:00Z"), record("CVE-2025-0001", "2026-01-01T00:00:00Z"))
		rapid.Check(t, func(r *rapid.T) {
			for range rapid.IntRange(1, 12).Draw(r, "steps") {
				h.step(t, r)
			}
		})
		h.check(t)
		h.replay(t)
	})
}

func (h *history) step(t testing.TB, r *rapid.T) {
	known := slices.Sorted(maps.Keys(h.state))
	what := rapid.SampledFrom([]string{"reserve", "reserve", "reject", "restore", "transfer", "put", "adp", "withdraw", "erase", "adopt"}).Draw(r, "what")
	if what == "reserve" || len(known) == 0 {
		batch := rapid.SampledFrom([]registry.Batch{registry.Single, registry.Sequential, registry.NonSequential}).Draw(r, "batch")
		n := 1
		if batch != registry.Single {
			n = rapid.IntRange(1, 5).Draw(r, "amount")
		}
		ids, err := reserve(t, h.w, 2026, n, batch)
		must(t, err)
		size := h.w.Size(t)
		for k, id := range ids {
			if h.state[id] != "" {
				t.Fatalf("%s was given out twice", id)
			}
			h.state[id], h.owner[id] = cve.Reserved, acme
			h.asked[id] = size - int64(3*(len(ids)-k)) + 2 // three leaves each, who asked is the last
		}
		return
	}
	id := rapid.SampledFrom(known).Draw(r, "id")
	h.n++
	container := func(turn *gate.Turn, kind event.Kind) *event.Doc {
		doc, err := turn.Pack(kind, fmt.Appendf(nil, `{"descriptions":[{"lang":"en","value":"Flaw %d."}]}`, h.n))
		must(t, err)
		return doc
	}
	put := func(cont, by string) (error, bool) {
		err := h.about(t, id, func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error {
			_, err := registry.PutContainer(ctx, turn.Tx, turn, i, registry.Put{Cont: cont, By: by, Short: "acme", DV: "5.2.0", Doc: container(turn, event.RecordPut)})
			return err
		})
		return err, err == nil
	}
	switch what {
	case "reject", "restore":
		to := map[string]cve.State{"reject": cve.Rejected, "restore": cve.Reserved}[what]
		err := h.about(t, id, func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error {
			return registry.SetState(ctx, turn.Tx, turn, i, to)
		})
		if err == nil {
			h.state[id] = to
		} else if !errors.Is(err, registry.ErrHasRecord) {
			t.Fatal(err)
		}
	case "transfer":
		to := rapid.SampledFrom([]string{acme, other}).Draw(r, "to")
		must(t, h.about(t, id, func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error {
			return registry.Transfer(ctx, turn.Tx, turn, i, to)
		}))
		h.owner[id] = to
	case "put":
		_, ok := put(cve.CNA, acme)
		if !ok {
			t.Fatal("a CNA's container was refused")
		}
		h.state[id] = cve.Published
	case "adp":
		if err, ok := put(cve.ADP, adp); !ok && !errors.Is(err, registry.ErrNoRecord) && !errors.Is(err, registry.ErrRejected) {
			t.Fatal(err)
		}
	case "withdraw":
		must(t, h.about(t, id, func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error {
			_, err := registry.RejectRecord(ctx, turn.Tx, turn, i, registry.Put{By: acme, Short: "acme", DV: "5.2.0", Doc: container(turn, event.RecordRejected)})
			return err
		}))
		h.state[id] = cve.Rejected
	case "adopt":
		must(t, do(t, h.w, func(ctx context.Context, turn *gate.Turn) error {
			doc, err := turn.Pack(event.OrgAdopted, []byte(`{"name":"Acme","short":"acme"}`))
			if err == nil {
				_, err = turn.Emit(ctx, &event.Event{Kind: event.OrgAdopted, Org: acme}, doc)
			}
			return err
		}))
	case "erase":
		if leaf, ok := h.asked[id]; ok {
			h.w.Erase(t, leaf)
			delete(h.asked, id)
			must(t, h.w.DB.View(context.Background(), func(tx *store.Tx) error {
				asked, err := registry.Requester(context.Background(), tx, id)
				if asked != (registry.Asked{}) {
					t.Fatalf("%s: who asked is still known", id)
				}
				return err
			}))
		}
	}
}

func (h *history) check(t testing.TB) {
	ctx := context.Background()
	reserved := map[string]int64{}
	for id, state := range h.state {
		i, err := identifier(t, h.w, id)
		if err != nil || i.State != state || i.Owner != h.owner[id] {
			t.Fatalf("%s: %+v (%v), want %s of %s", id, i, err, state, h.owner[id])
		}
		if state == cve.Reserved {
			reserved[i.Owner]++
		}
	}
	must(t, h.w.DB.View(ctx, func(tx *store.Tx) error {
		for _, org := range []string{acme, other} {
			n, err := registry.Holding(ctx, tx, org)
			if err != nil || n != reserved[org] {
				t.Fatalf("%s holds %d reserved (%v), want %d", org, n, err, reserved[org])
			}
			list, total, err := registry.ListIDs(ctx, tx, registry.Filter{Owner: org, State: cve.Reserved, Limit: 1000})
			if err != nil || int64(len(list)) != n || total != n {
				t.Fatalf("%s lists %d of %d (%v)", org, len(list), total, err)
			}
		}
		return nil
	}))
}

func (h *history) replay(t testing.TB) {
	if out, err := h.w.Gate.Replay(context.Background(), false, nil); err != nil {
		t.Fatalf("%v: %+v", err, out)
	}
}

// An adopted assigner owns what its documents say, and loses it with the document's body.
func TestAdopted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		leaf := w.Size(t)
		w.Import(t, record("CVE-2025-0001", "2026-01-01T00:00:00Z"))
		if i, err := identifier(t, w, "CVE-2025-0001"); err != nil || i.Owner != "" || i.State != cve.Published {
			t.Errorf("before: %+v (%v)", i, err)
		}
		must(t, do(t, w, func(ctx context.Context, turn *gate.Turn) error {
			doc, err := turn.Pack(event.OrgAdopted, []byte(`{"name":"Acme","short":"acme"}`))
			if err == nil {
				_, err = turn.Emit(ctx, &event.Event{Kind: event.OrgAdopted, Org: acme}, doc)
			}
			return err
		}))
		if i, err := identifier(t, w, "CVE-2025-0001"); err != nil || i.Owner != acme {
			t.Errorf("adopted: %+v (%v)", i, err)
		}
		if got := w.Import(t, record("CVE-2025-0001", "2026-02-01T00:00:00Z")); got[0] != registry.Divergent {
			t.Errorf("a newer document of an owned identifier: %s", got[0])
		}
		h := &history{w: w}
		must(t, h.about(t, "CVE-2025-0001", func(ctx context.Context, turn *gate.Turn, i registry.Identifier) error {
			return registry.Transfer(ctx, turn.Tx, turn, i, other)
		}))
		w.Erase(t, leaf)
		if i, err := identifier(t, w, "CVE-2025-0001"); err != nil || i.Owner != other {
			t.Errorf("transferred, then erased: %+v (%v)", i, err)
		}
		h.replay(t)
	})
}
