package registry_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

func record(id, updated string) []byte {
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{"cveId":"%s","assignerOrgId":"22222222-2222-4222-8222-222222222222","state":"PUBLISHED","dateUpdated":"%s"},"containers":{"cna":{"descriptions":[{"lang":"en","value":"A flaw."}]}}}`, id, updated)
}

func TestTheListsBeginning(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		ask := func(name string, f func(*store.Tx) (bool, error), want bool) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.Tx) error {
				got, err := f(tx)
				if got != want {
					t.Errorf("%s: %v, want %v", name, got, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		base := func(tx *store.Tx) (bool, error) { return registry.Base(t.Context(), tx) }
		unnoted := func(tx *store.Tx) (bool, error) { return registry.Unnoted(t.Context(), tx) }
		ask("base, empty", base, true)
		ask("unnoted, empty", unnoted, false)
		w.Import(t, record("CVE-2026-1001", "2026-02-01T00:00:00.000Z"))
		ask("base, importing", base, true)
		ask("unnoted, importing", unnoted, true)
		w.Note(t, "list.zip")
		ask("base, noted", base, false)
		ask("unnoted, noted", unnoted, false)
		// What is changed after the beginning shows its change to those who poll for changes.
		w.Clock.Add(time.Hour)
		w.Import(t, record("CVE-2026-1002", "2026-02-01T00:00:00.000Z"))
		for id, want := range map[string]time.Time{"CVE-2026-1001": time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), "CVE-2026-1002": w.Clock.Now()} {
			v, err := w.Catalogue.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if !v.Changed.Equal(want) {
				t.Errorf("%s changed %v, want %v", id, v.Changed, want)
			}
		}
	})
}

func TestTakenAndCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		w.Import(t, record("CVE-2026-1001", "2026-02-01T00:00:00.000Z"), record("CVE-2026-1002", "2026-02-01T00:00:00"))
		err := db.View(t.Context(), func(tx *store.Tx) error {
			if state, taken, err := registry.Taken(t.Context(), tx, "CVE-2026-1001"); !taken || state != cve.Published || err != nil {
				t.Errorf("taken: %v %v %v", state, taken, err)
			}
			if _, taken, err := registry.Taken(t.Context(), tx, "CVE-2026-9999"); taken || err != nil {
				t.Errorf("not taken: %v %v", taken, err)
			}
			if _, err := registry.Get(t.Context(), tx, "CVE-2026-9999"); !errors.Is(err, registry.ErrNotFound) {
				t.Errorf("get: %v", err)
			}
			counts, err := registry.Counts(t.Context(), tx)
			if counts[cve.Published] != 2 {
				t.Errorf("counts %v", counts)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// What JSON allows in a text, both engines must be able to hold.
func TestNulInText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := gatetest.New(t, db)
		raw := bytes.ReplaceAll(record("CVE-2026-1001", "2026-02-01T00:00:00.000Z"), []byte("22222222-2222"), []byte(`22222222\u0000`))
		raw = bytes.ReplaceAll(raw, []byte("A flaw."), []byte(`A\u0000flaw.`))
		if got := w.Import(t, raw); got[0] != registry.Added {
			t.Errorf("%s", got[0])
		}
		if page, err := w.Catalogue.Search(t.Context(), catalogue.Query{Text: "flaw", Limit: 1}); err != nil || page.Total != 1 {
			t.Errorf("search: %v %v", page, err)
		}
	})
}
