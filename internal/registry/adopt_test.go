package registry_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"tasuki/internal/event"
	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func imported(id, org, updated string) []byte {
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":%q,"assignerOrgId":%q,"assignerShortName":"x","state":"PUBLISHED","dateUpdated":%q},`+
		`"containers":{"cna":{"providerMetadata":{"orgId":%q},"descriptions":[{"lang":"en","value":"A flaw."}]}}}`, id, org, updated, org)
}

// What is known of imported assigners and numbers, and what opening a year above them comes to.
func TestAboveImports(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, ctx := gatetest.New(t, db), t.Context()
		w.Import(t,
			imported("CVE-2025-0005", acme, "2025-02-01T00:00:00.000Z"), imported("CVE-2025-30000", acme, "2025-01-01T00:00:00.000Z"),
			imported("CVE-2025-20000", other, "2025-01-01T00:00:00.000Z"), imported("CVE-2024-1000009", other, "2025-01-01T00:00:00.000Z"),
			imported("CVE-2024-99999999999", other, "2025-01-01T00:00:00.000Z"), imported("CVE-2024-9999999999999999999", other, "2025-01-01T00:00:00.000Z"))
		var heights map[int64]event.Skip
		must(t, db.View(ctx, func(tx *store.Tx) (err error) {
			list, err := registry.Assigners(ctx, tx)
			if err != nil {
				return err
			}
			want := []registry.Assigner{{Org: acme, Records: 2, Newest: 0}, {Org: other, Records: 4, Newest: 2}}
			if !slices.Equal(list, want) {
				t.Errorf("assigners %+v, want %+v", list, want)
			}
			heights, err = registry.Heights(ctx, tx)
			return err
		}))
		// 20000 is the last number of the priority block.
		if len(heights) != 2 || heights[2025] != (event.Skip{Priority: 20000, General: 30000}) || heights[2024] != (event.Skip{General: 1000009}) {
			t.Errorf("heights %v", heights)
		}
		ensure := func(year int64, above event.Skip) bool {
			t.Helper()
			var changed bool
			must(t, do(t, w, func(ctx context.Context, turn *gate.Turn) (err error) {
				changed, err = registry.EnsureRange(ctx, turn.Tx, turn, year, above)
				return err
			}))
			return changed
		}
		above := registry.Margin{Priority: 100, General: 50}.Above(heights[2024])
		if !ensure(2024, above) || ensure(2024, above) {
			t.Error("the year opens once")
		}
		ids, err := reserve(t, w, 2024, 1, registry.Single)
		more, err2 := reserve(t, w, 2024, 2, registry.Sequential)
		if err != nil || err2 != nil || !slices.Equal(slices.Concat(ids, more), []string{"CVE-2024-0001", "CVE-2024-1000060", "CVE-2024-1000061"}) {
			t.Errorf("%q %q (%v, %v)", ids, more, err, err2)
		}
		// A year that was opened too low is lifted, and what was set aside there is given up.
		if !ensure(2026, event.Skip{}) {
			t.Error("2026 did not open")
		}
		if _, err := reserve(t, w, 2026, 2, registry.NonSequential); err != nil {
			t.Fatal(err)
		}
		if !ensure(2026, event.Skip{Priority: 10, General: 40000}) || ensure(2026, event.Skip{Priority: 5, General: 40000}) {
			t.Error("2026 is lifted once")
		}
		if ids, err = reserve(t, w, 2026, 10, registry.NonSequential); err != nil || slices.Min(ids) <= "CVE-2026-40000" {
			t.Errorf("out of the pool: %q (%v)", ids, err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

func TestMargin(t *testing.T) {
	m := registry.DefaultMargin
	if m.Above(event.Skip{}) != (event.Skip{}) {
		t.Error("a year without imports begins at its beginning")
	}
	if got := m.Above(event.Skip{Priority: 19990, General: 49_999_999}); got != (event.Skip{Priority: registry.PriorityEnd, General: registry.GeneralEnd}) {
		t.Errorf("%+v", got)
	}
	if got := m.Above(event.Skip{Priority: 1, General: 30_000}); got != (event.Skip{Priority: 101, General: 40_000}) {
		t.Errorf("%+v", got)
	}
}
