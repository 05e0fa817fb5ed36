package registry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tasuki/internal/gate"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

func pull(t testing.TB, w *gatetest.World, p registry.Pulled) (fresh bool, err error) {
	t.Helper()
	err = do(t, w, func(ctx context.Context, turn *gate.Turn) error {
		fresh, err = registry.Pull(ctx, turn.Tx, turn, p)
		return err
	})
	return fresh, err
}

// What another server reserved is the organisation's here, since when it was reserved there; numbers go on above it; a second pull
// changes nothing; what is somebody else's stays theirs; erasing who asked leaves what a replay without the fact gives.
func TestPull(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		must(t, open(t, w, 2026))
		there := time.Date(2026, 3, 1, 8, 0, 0, 125e6, time.UTC)
		known := registry.Pulled{ID: "CVE-2026-0017", State: cve.Reserved, Owner: acme, From: "https://cve.test/api/", Reserved: there, ByOrg: acme, ByUser: ann}
		unknown := registry.Pulled{ID: "CVE-2024-30000", State: cve.Rejected, Owner: acme, From: "https://cve.test/api/", Reserved: there.Add(time.Hour)}
		for _, p := range []registry.Pulled{known, unknown} {
			if fresh, err := pull(t, w, p); err != nil || !fresh {
				t.Fatalf("%s: %v %v", p.ID, fresh, err)
			}
		}
		size := w.Size(t)
		asked := size - 5 // the first has three leaves, of which who asked is the last; the rejected one after it has four
		if fresh, err := pull(t, w, known); err != nil || fresh || w.Size(t) != size {
			t.Errorf("a second time: %v %v, %d leaves more", fresh, err, w.Size(t)-size)
		}
		i, err := identifier(t, w, known.ID)
		if err != nil || i.Owner != acme || i.State != cve.Reserved || !i.Reserved.Equal(there) || i.Record {
			t.Errorf("%+v (%v)", i, err)
		}
		if i, err := identifier(t, w, unknown.ID); err != nil || i.Owner != acme || i.State != cve.Rejected || !i.Reserved.Equal(unknown.Reserved) {
			t.Errorf("%+v (%v)", i, err)
		}
		must(t, w.DB.View(t.Context(), func(tx *store.Tx) error {
			asked, err := registry.Requester(t.Context(), tx, known.ID)
			if asked != (registry.Asked{Org: acme, User: ann}) {
				t.Errorf("asked for by %+v", asked)
			}
			list, total, lerr := registry.ListIDs(t.Context(), tx, registry.Filter{Owner: acme, ReservedBefore: there.Add(time.Minute), Limit: 10})
			if total != 1 || len(list) != 1 || list[0].ID != known.ID {
				t.Errorf("reserved before: %d %+v", total, list)
			}
			held, herr := registry.Holding(t.Context(), tx, acme)
			if held != 1 {
				t.Errorf("%d held", held)
			}
			return errors.Join(err, lerr, herr)
		}))

		if ids, err := reserve(t, w, 2026, 1, registry.Single); err != nil || ids[0] != "CVE-2026-0018" {
			t.Errorf("the next number is %v (%v)", ids, err)
		}
		if _, err := reserve(t, w, 2024, 1, registry.Single); !errors.Is(err, registry.ErrNoRange) {
			t.Errorf("a pull opened a year: %v", err)
		}

		w.Import(t, record("CVE-2026-0100", "2026-01-01T00:00:00Z"))
		for id, want := range map[string]error{"CVE-2026-0017": registry.ErrForeign, "CVE-2026-0100": registry.ErrForeign, "CVE-1900-0001": registry.ErrOutside,
			"CVE-2026-50000001": registry.ErrOutside, "CVE-2026-1": cve.ErrID} {
			before := w.Size(t)
			if _, err := pull(t, w, registry.Pulled{ID: id, State: cve.Reserved, Owner: other, From: "https://cve.test/api/"}); !errors.Is(err, want) || w.Size(t) != before {
				t.Errorf("%s: %v, want %v", id, err, want)
			}
		}

		w.Erase(t, asked)
		i, err = identifier(t, w, known.ID)
		if err != nil || i.Owner != acme || !i.Reserved.Equal(w.Clock.Now()) {
			t.Errorf("who asked was erased: %+v (%v)", i, err)
		}
		(&history{w: w}).replay(t)
	})
}
