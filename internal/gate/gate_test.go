package gate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/ledger"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// record is a small valid document; n varies its text.
func record(id, state, updated string, n int) []byte {
	body := fmt.Sprintf(`"descriptions":[{"lang":"en","value":"Flaw number %d in Kumo Ledger."}],"affected":[{"vendor":"Kumo","product":"Ledger","versions":[{"version":"0","lessThan":"4.%d","status":"affected"}]}],"references":[{"url":"https://kumo.example/%d"}]`, n, n, n)
	if state == "REJECTED" {
		body = fmt.Sprintf(`"rejectedReasons":[{"lang":"en","value":"Not a flaw (%d)."}]`, n)
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"%s","assignerShortName":"kumo","dateReserved":"2026-01-01T00:00:00.000Z","datePublished":"2026-01-02T00:00:00.000Z","dateUpdated":"%s"},"containers":{"cna":{"providerMetadata":{"orgId":"22222222-2222-4222-8222-222222222222","shortName":"kumo","dateUpdated":"%s"},%s}}}`,
		id, state, updated, updated, body)
}

func TestImportVerdicts(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		old := record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1)
		newer := record("CVE-2026-1001", "PUBLISHED", "2026-03-01T00:00:00.000Z", 2)
		sameTime := record("CVE-2026-1001", "PUBLISHED", "2026-03-01T00:00:00.000Z", 3)
		for i, step := range []struct {
			raw  []byte
			want registry.Verdict
		}{{old, registry.Added}, {old, registry.Unchanged}, {newer, registry.Updated}, {old, registry.Stale}, {newer, registry.Unchanged}, {sameTime, registry.Updated}} {
			before := w.Size(t)
			if got := w.Import(t, step.raw); got[0] != step.want {
				t.Errorf("step %d: %s, want %s", i, got[0], step.want)
			}
			grew := w.Size(t) - before
			if costs := step.want == registry.Added || step.want == registry.Updated; (grew == 1) != costs {
				t.Errorf("step %d: %s cost %d leaves", i, step.want, grew)
			}
		}
		if got := w.Import(t, old, old); !slices.Equal(got, []registry.Verdict{registry.Stale, registry.Stale}) {
			t.Errorf("a batch: %v", got)
		}
	})
}

// For any history, the tables after live work equal the tables after replay, and the tables of a copy that applied the
// leaves; a second store of the other engine has the same digests.
func TestReplayEqualsLiveWork(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			for range rapid.IntRange(1, 6).Draw(rt, "commands") {
				var raws [][]byte
				for range rapid.IntRange(1, 5).Draw(rt, "batch") {
					raws = append(raws, record(fmt.Sprintf("CVE-2026-%d", 1000+rapid.IntRange(0, 12).Draw(rt, "id")),
						rapid.SampledFrom([]string{"PUBLISHED", "REJECTED"}).Draw(rt, "state"),
						fmt.Sprintf("2026-%02d-01T00:00:00.000Z", rapid.IntRange(1, 12).Draw(rt, "month")), rapid.IntRange(0, 3).Draw(rt, "text")))
				}
				w.Import(t, raws...)
				w.Clock.Add(time.Duration(rapid.IntRange(-3000, 3000).Draw(rt, "clock")) * time.Millisecond)
				if rapid.Bool().Draw(rt, "note") {
					w.Note(t, "list.zip")
				}
			}
			got, err := w.Gate.Replay(context.Background(), false, nil)
			if err != nil {
				t.Fatalf("replay: %v %v", err, got) // not rt: a world that outlives the check cannot be shrunk
			}
		})
		copied := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
		applyAll(t, w, copied)
		a, errA := w.Gate.Replay(context.Background(), false, nil)
		b, errB := copied.Gate.Replay(context.Background(), false, nil)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(a, b) {
			t.Errorf("a copy differs:\n%x\n%x", a, b)
		}
	})
}

func applyAll(t *testing.T, from, to *gatetest.World) {
	t.Helper()
	var leaves []gate.Stored
	err := from.DB.View(t.Context(), func(tx *store.Tx) error {
		return from.Log.Scan(t.Context(), tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			leaves = append(leaves, gate.Stored{Index: index, Leaf: leaf, Body: body})
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Gate.Apply(t.Context(), leaves); err != nil {
		t.Fatal(err)
	}
}

func TestReplayFindsAndMendsAChangedTable(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		w.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), store.Inline("tamper", `UPDATE registry_record SET state = 'REJECTED'`))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := w.Gate.Replay(t.Context(), false, nil)
		if !errors.Is(err, gate.ErrDiffers) || got[0].Same() || !got[1].Same() {
			t.Fatalf("replay: %v %+v", err, got)
		}
		if _, err := w.Gate.Replay(t.Context(), true, nil); err != nil {
			t.Fatalf("repair: %v", err)
		}
		if _, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
			t.Fatalf("after repair: %v", err)
		}
	})
}

func TestApplyBelievesNothing(t *testing.T) {
	a := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	a.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
	a.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-03-01T00:00:00.000Z", 2))
	var leaves []gate.Stored
	err := a.DB.View(t.Context(), func(tx *store.Tx) error {
		return a.Log.Scan(t.Context(), tx, 0, func(index int64, leaf []byte, body *ledger.Body) error {
			leaves = append(leaves, gate.Stored{Index: index, Leaf: leaf, Body: body})
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	otherBody := *leaves[1].Body
	otherBody.Hash[0] ^= 1
	for name, offer := range map[string][]gate.Stored{
		"out of order":   {leaves[1]},
		"twice":          {leaves[0], leaves[0]},
		"wrong body":     {leaves[0], {Index: 1, Leaf: leaves[1].Leaf, Body: leaves[0].Body}},
		"damaged body":   {leaves[0], {Index: 1, Leaf: leaves[1].Leaf, Body: &otherBody}},
		"damaged leaf":   {{Index: 0, Leaf: append([]byte{' '}, leaves[0].Leaf...), Body: leaves[0].Body}},
		"strange commit": {{Index: 0, Leaf: leaves[0].Leaf, Body: leaves[0].Body, Private: &ledger.Private{Body: []byte("{}")}}},
	} {
		b := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
		if err := b.Gate.Apply(t.Context(), offer); err == nil {
			t.Errorf("%s: applied", name)
		}
		if n := b.Size(t); n != 0 {
			t.Errorf("%s: %d leaves stayed", name, n)
		}
	}
}

func TestARefusedCommandLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		boom := errors.New("no")
		doc, err := w.Gate.Pack(event.RecordImported, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
		if err != nil {
			t.Fatal(err)
		}
		err = w.Gate.Do(t.Context(), gatetest.Importer, gate.Command{Action: authority.Import, Decide: func(ctx context.Context, turn *gate.Turn) error {
			if _, _, err := registry.Import(ctx, turn.Tx, doc, true, time.Time{}, turn.Emit); err != nil {
				return err
			}
			return boom
		}})
		if !errors.Is(err, boom) || w.Size(t) != 0 {
			t.Fatalf("%v, %d leaves", err, w.Size(t))
		}
		err = w.Gate.Do(t.Context(), authority.Caller{Role: authority.Anonymous}, gate.Command{Action: authority.Import,
			Decide: func(context.Context, *gate.Turn) error { t.Error("decided"); return nil }})
		if !errors.Is(err, authority.ErrDenied) {
			t.Fatalf("anonymous: %v", err)
		}
		var n int
		if err := db.View(t.Context(), func(tx *store.Tx) error {
			return tx.QueryRow(t.Context(), store.Inline("audit", `SELECT count(*) FROM authority_audit`)).Scan(&n)
		}); err != nil || n != 1 {
			t.Errorf("%d audit rows (%v), want 1", n, err)
		}
	})
}

func TestTimeNeverGoesBack(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	w.Import(t, record("CVE-2026-1001", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
	w.Clock.Add(-time.Hour)
	w.Import(t, record("CVE-2026-1002", "PUBLISHED", "2026-02-01T00:00:00.000Z", 1))
	var last int64
	err := w.DB.View(t.Context(), func(tx *store.Tx) error {
		return w.Log.Scan(t.Context(), tx, 0, func(index int64, raw []byte, _ *ledger.Body) error {
			l, err := ledger.ParseLeaf(raw)
			if l.Stamp.Time < last {
				t.Errorf("leaf %d went back", index)
			}
			last = l.Stamp.Time
			return err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A clock that leaps ahead must not date every later leaf.
func TestTimeDoesNotLeap(t *testing.T) {
	w := gatetest.New(t, storetest.Open(t, storetest.SQLite(t)))
	beat := func(g *gate.Gate) error {
		return g.Do(t.Context(), gatetest.Importer, gate.Command{Action: authority.Govern, Decide: func(ctx context.Context, turn *gate.Turn) error {
			_, err := turn.Emit(ctx, &event.Event{Kind: event.Heartbeat}, nil)
			return err
		}})
	}
	if err := beat(w.Gate); err != nil {
		t.Fatalf("an empty log: %v", err)
	}
	w.Clock.Add(gate.DefaultClockLeap)
	if err := beat(w.Gate); err != nil {
		t.Fatalf("a long sleep: %v", err)
	}
	second := w.Clock.Now()
	w.Clock.Add(gate.DefaultClockLeap + time.Millisecond)
	err := beat(w.Gate)
	if !errors.Is(err, gate.ErrClock) || w.Size(t) != 2 {
		t.Fatalf("a leap: %v, %d leaves", err, w.Size(t))
	}
	for _, want := range []string{second.Format(time.RFC3339), w.Clock.Now().Format(time.RFC3339), "clock_leap"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %s", err, want)
		}
	}
	// A leap that was refused leaves nothing behind: the clock set right, work goes on from there.
	w.Clock.Add(-gate.DefaultClockLeap)
	if err := beat(w.Gate); err != nil {
		t.Errorf("after the clock was set right: %v", err)
	}
	w.Clock.Add(gate.DefaultClockLeap + time.Minute)
	c := w.Gate.Config
	c.ClockLeap = gate.DefaultClockLeap + time.Hour
	wider := gate.New(c)
	defer wider.Close()
	if err := beat(wider); err != nil {
		t.Errorf("with the option: %v", err)
	}
}

func TestPrivateFactsShowNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		secret := []byte(`{"id":"CVE-2026-1001","kind":"id.owner/1","org":"acme"}`)
		var index int64
		err := w.Gate.Do(t.Context(), gatetest.Importer, gate.Command{Action: authority.Govern, Decide: func(ctx context.Context, turn *gate.Turn) error {
			own, err := turn.EmitPrivate(ctx, secret)
			index = own.Index
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx *store.Tx) error {
			leaf, err := w.Log.Leaf(t.Context(), tx, index)
			if err != nil {
				return err
			}
			e, err := event.Open(index, leaf, nil)
			if err != nil {
				return err
			}
			if e.Kind != event.PrivateFact || e.ID != "" || e.Back != -1 || e.Body.N != -1 {
				t.Errorf("the leaf says %s", leaf)
			}
			p, err := w.Log.Private(t.Context(), tx, index)
			if err != nil {
				return err
			}
			if string(p.Body) != string(secret) || p.Hash() != e.Body.H {
				t.Errorf("private body %s", p.Body)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestManyWritersOneLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		var wg sync.WaitGroup
		const writers, each = 8, 10
		for i := range writers {
			wg.Go(func() {
				for j := range each {
					w.Import(t, record(fmt.Sprintf("CVE-2026-%d", 10000+i*100+j), "PUBLISHED", "2026-02-01T00:00:00.000Z", j))
				}
			})
		}
		wg.Wait()
		if n := w.Size(t); n != writers*each {
			t.Errorf("%d leaves, want %d", n, writers*each)
		}
		if _, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
			t.Error(err)
		}
	})
}
