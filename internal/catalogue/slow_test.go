package catalogue_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// However many receivers stand still in the middle of an answer, the others read on: a reader connection is held only
// while a piece is fetched.
func TestSlowReceiversHoldNoConnection(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		ids := []string{"CVE-2026-10001", "CVE-2026-10002"}
		for i, text := range ourTexts[:2] {
			w.Import(t, japanese(i+1, text))
		}
		reads := map[string]func(context.Context, func(*catalogue.View) error) error{
			"Bulk": func(ctx context.Context, fn func(*catalogue.View) error) error { return w.Catalogue.Bulk(ctx, ids, fn) },
			"Texts": func(ctx context.Context, fn func(*catalogue.View) error) error {
				return w.Catalogue.Texts(ctx, ids, fn)
			},
			"Each": w.Catalogue.Each,
		}
		for name, read := range reads {
			const slow = 40 // more than any pool here has connections
			var standing, done sync.WaitGroup
			release := make(chan struct{})
			standing.Add(slow)
			for range slow {
				done.Go(func() {
					first, seen := true, 0
					err := read(t.Context(), func(v *catalogue.View) error {
						if first {
							first = false
							standing.Done()
							<-release
						}
						if text, err := v.Compact(); err != nil || len(text) == 0 || v.ID != ids[seen] {
							t.Errorf("%s: %s as number %d: %d bytes, %v", name, v.ID, seen, len(text), err)
						}
						seen++
						return nil
					})
					if err != nil || seen != len(ids) {
						t.Errorf("%s: %d records, %v", name, seen, err)
					}
				})
			}
			all := make(chan struct{})
			go func() { standing.Wait(); close(all) }()
			select {
			case <-all:
			case <-time.After(20 * time.Second):
				t.Errorf("%s: not all receivers got their first record", name)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			if _, err := w.Catalogue.Get(ctx, ids[0]); err != nil {
				t.Errorf("%s: Get beside slow receivers: %v", name, err)
			}
			cancel()
			close(release)
			done.Wait()
		}
	})
}

// Who passes the text on needs no parsed record.
func TestTextIsGetWithoutTheRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		w.Import(t, japanese(1, ourTexts[0]))
		const id = "CVE-2026-10001"
		full, err := w.Catalogue.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		text, err := w.Catalogue.Text(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		a, _ := full.Compact()
		b, _ := text.Compact()
		if string(a) != string(b) || text.State != full.State || text.Index != full.Index || text.Record != nil {
			t.Errorf("Text gives %+v, Get %+v", text, full)
		}
	})
}
