package catalogue_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// listed is a record as a scan over all of them sees it.
type listed struct {
	*cve.Record
	logged  time.Time
	created int
}

func (l *listed) fits(n catalogue.Listing) bool {
	at := l.logged
	if n.CNASaid {
		var err error
		if at, _, err = cve.ParseTime(l.Containers.CNA.Provider.DateUpdated); err != nil && !(n.After.IsZero() && n.Before.IsZero()) {
			return false
		}
		at = at.Truncate(time.Millisecond)
	}
	return (n.State == "" || n.State == l.Metadata.State) && (n.AssignerID == "" || n.AssignerID == l.Metadata.AssignerOrgID) &&
		(n.AssignerShort == "" || n.AssignerShort == l.Metadata.AssignerShortName) && (n.After.IsZero() || at.After(n.After)) && (n.Before.IsZero() || at.Before(n.Before)) &&
		(n.ADP == "" || slices.ContainsFunc(l.Containers.ADP, func(c cve.Container) bool { return c.Provider.ShortName == n.ADP }))
}

// Lists and walks find what a scan finds, page by page.
func TestListings(t *testing.T) {
	raws := archiveRecords(t, filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		var all []*listed
		for raw := range slices.Values(raws) {
			if len(all)%50 == 0 {
				w.Clock.Add(1300 * time.Millisecond)
			}
			rec, _, err := cve.DecodeLoose(raw)
			if err != nil {
				t.Fatal(err)
			}
			w.Import(t, raw)
			all = append(all, &listed{rec, w.Clock.Now(), len(all)})
		}
		dice := rand.New(rand.NewPCG(3, 5))
		began, ended := all[0].logged.Add(-time.Second), w.Clock.Now().Add(time.Second)
		for range 60 {
			r := all[dice.IntN(len(all))]
			var l catalogue.Listing
			for _, set := range []func(){
				func() { l.State = r.Metadata.State },
				func() { l.AssignerID = r.Metadata.AssignerOrgID },
				func() { l.AssignerShort = r.Metadata.AssignerShortName },
				func() {
					if a := r.Containers.ADP; len(a) > 0 {
						l.ADP = a[dice.IntN(len(a))].Provider.ShortName
					}
				},
				func() { l.CNASaid, l.After = true, time.Date(2023, 6, 1, 0, 0, 0, 0, time.UTC) },
				func() { l.CNASaid, l.Before = true, time.Date(2024, 6, 1, 0, 0, 0, 500, time.UTC) },
				func() {
					if !l.CNASaid {
						l.After = began.Add(time.Duration(dice.Int64N(int64(ended.Sub(began)))))
					}
				},
				func() {
					if !l.CNASaid {
						l.Before = r.logged
					}
				},
			} {
				if dice.IntN(4) == 0 {
					set()
				}
			}
			var want []*listed
			for _, r := range all {
				if r.fits(l) {
					want = append(want, r)
				}
			}
			compareList(t, w.Catalogue, l, want, 1+dice.IntN(200))
			compareWalk(t, w.Catalogue, l, want, 15+dice.IntN(200))
		}
	})
}

func compareList(t *testing.T, c *catalogue.Service, l catalogue.Listing, want []*listed, limit int) {
	t.Helper()
	var ids, got []string
	for _, r := range want {
		ids = append(ids, r.Metadata.ID)
	}
	slices.Sort(ids)
	for offset := 0; offset == 0 || offset < len(ids); offset += limit {
		total, err := c.List(t.Context(), l, offset, limit, func(v *catalogue.View) error { got = append(got, v.ID); return nil })
		if err != nil || total != len(ids) {
			t.Fatalf("%+v: %d of %d (%v)", l, total, len(ids), err)
		}
	}
	if !slices.Equal(got, ids) {
		t.Fatalf("%+v: %q, want %q", l, got, ids)
	}
}

func compareWalk(t *testing.T, c *catalogue.Service, l catalogue.Listing, want []*listed, limit int) {
	t.Helper()
	var ids, forth, back []string
	for _, r := range slices.Backward(want) {
		ids = append(ids, r.Metadata.ID)
	}
	at := catalogue.Stretch{Last: math.MaxInt64, Older: true}
	for at.Older {
		next, err := c.Walk(t.Context(), l, at.Last, false, limit, func(v *catalogue.View) error { forth = append(forth, v.ID); return nil })
		if err != nil || next.Newer != (at.Last != math.MaxInt64) {
			t.Fatalf("%+v: %+v after %+v (%v)", l, next, at, err)
		}
		at = next
	}
	if !slices.Equal(forth, ids) {
		t.Fatalf("%+v: forth %q, want %q", l, forth, ids)
	}
	at.First, at.Newer = at.Last-1, len(ids) > 0 // behind the last one
	for at.Newer {
		var page []string
		before, err := c.Walk(t.Context(), l, at.First, true, limit, func(v *catalogue.View) error { page = append(page, v.ID); return nil })
		if err != nil {
			t.Fatal(err)
		}
		back, at = append(page, back...), before
	}
	if !slices.Equal(back, ids) {
		t.Fatalf("%+v: back %q, want %q", l, back, ids)
	}
}

// BenchmarkList asks for pages of the real list: the first one, one in the middle, one of an ADP that adds to nearly all of them,
// and pages by creation.
func BenchmarkList(b *testing.B) {
	raws := archiveRecords(b, filepath.Join("..", "..", "..", "shared", "data", "cvelist", "vulnrichment-cve5.zip"))
	db := storetest.Open(b, storetest.SQLite(b))
	w := gatetest.New(b, db)
	bring(b, w, raws)
	if err := w.Catalogue.Follow(b.Context()); err != nil {
		b.Fatal(err)
	}
	size := 0
	count := func(v *catalogue.View) error {
		text, err := v.Compact()
		size += len(text)
		return err
	}
	adp := catalogue.Listing{ADP: "CISA-ADP"}
	for _, bc := range []struct {
		name string
		run  func() error
	}{
		{"first page", func() error { _, err := w.Catalogue.List(b.Context(), catalogue.Listing{}, 0, 500, count); return err }},
		{"page 40", func() error {
			_, err := w.Catalogue.List(b.Context(), catalogue.Listing{}, 20_000, 500, count)
			return err
		}},
		{"page 40 of an ADP", func() error { _, err := w.Catalogue.List(b.Context(), adp, 20_000, 500, count); return err }},
		{"count", func() error { _, err := w.Catalogue.List(b.Context(), adp, 0, 0, nil); return err }},
		{"by creation", func() error { _, err := w.Catalogue.Walk(b.Context(), adp, 30_000, false, 500, count); return err }},
	} {
		b.Run(bc.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bc.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	runtime.KeepAlive(size)
}
