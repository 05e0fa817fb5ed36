package drafts

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

const (
	eve  = "aaaaaaaa-0000-4000-8000-000000000001"
	bob  = "aaaaaaaa-0000-4000-8000-000000000002"
	acme = "bbbbbbbb-0000-4000-8000-000000000001"
	id   = "CVE-2026-1000"
)

func each(t *testing.T, fn func(t *testing.T, s *Service)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.Migrate(t.Context(), Schema()); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
		var mu sync.Mutex
		fn(t, &Service{DB: db, Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			now = now.Add(time.Second)
			return now
		}})
	})
}

func TestDraft(t *testing.T) {
	each(t, func(t *testing.T, s *Service) {
		ctx := t.Context()
		if _, err := s.Get(ctx, eve, id); !errors.Is(err, ErrNone) {
			t.Fatalf("before anything: %v", err)
		}
		one, err := s.Save(ctx, eve, Draft{Subject: id, Org: acme, Body: []byte(`{"a":1}`)})
		if err != nil || one.Version != 1 {
			t.Fatalf("%+v, %v", one, err)
		}
		same, err := s.Save(ctx, eve, Draft{Subject: id, Org: acme, Version: 0, Body: []byte(`{"a":1}`)})
		if err != nil || same.Version != 1 || !same.At.Equal(one.At) {
			t.Errorf("the same again: %+v, %v", same, err)
		}
		two, err := s.Save(ctx, eve, Draft{Subject: id, Org: acme, Version: 1, Body: []byte(`{"a":2}`)})
		if err != nil || two.Version != 2 {
			t.Fatalf("%+v, %v", two, err)
		}
		// A tab that still has version 1: it is told, and loses nothing.
		there, err := s.Save(ctx, eve, Draft{Subject: id, Org: acme, Version: 1, Body: []byte(`{"a":"late"}`)})
		if !errors.Is(err, ErrStale) || there.Version != 2 || string(there.Body) != `{"a":2}` {
			t.Errorf("the later tab: %+v, %v", there, err)
		}
		if got, err := s.Get(ctx, eve, id); err != nil || string(got.Body) != `{"a":2}` {
			t.Errorf("the draft is %s, %v", got.Body, err)
		}
		if got, err := s.Aside(ctx, eve, id); err != nil || string(got.Body) != `{"a":"late"}` {
			t.Errorf("aside is %s, %v", got.Body, err)
		}
		three, err := s.Overrule(ctx, eve, Draft{Subject: id, Org: acme, Version: 1, Body: []byte(`{"a":"late"}`)})
		if err != nil || three.Version != 3 {
			t.Errorf("overruled: %+v, %v", three, err)
		}
		if got, err := s.Aside(ctx, eve, id); err != nil || string(got.Body) != `{"a":2}` {
			t.Errorf("now aside is %s, %v", got.Body, err)
		}
		if err := s.DropAside(ctx, eve, id); err != nil {
			t.Error(err)
		}
		if _, err := s.Aside(ctx, eve, id); !errors.Is(err, ErrNone) {
			t.Errorf("dropped, and yet %v", err)
		}
		if _, err := s.Get(ctx, bob, id); !errors.Is(err, ErrNone) {
			t.Errorf("somebody else sees it: %v", err)
		}
		if _, err := s.Save(ctx, eve, Draft{Subject: "CVE-2026-1001", Org: acme, Body: []byte(`{}`)}); err != nil {
			t.Error(err)
		}
		if list, err := s.List(ctx, eve); err != nil || len(list) != 2 || list[0].Subject != "CVE-2026-1001" || list[1].Version != 3 {
			t.Errorf("%+v, %v", list, err)
		}
		if err := s.Delete(ctx, eve, id); err != nil {
			t.Error(err)
		}
		if list, err := s.List(ctx, eve); err != nil || len(list) != 1 {
			t.Errorf("%+v, %v", list, err)
		}
		if _, err := s.Save(ctx, eve, Draft{Subject: id, Body: make([]byte, MaxBody+1)}); !errors.Is(err, ErrLarge) {
			t.Errorf("too large: %v", err)
		}
	})
}

// Of tabs that save at once, each either becomes the draft or is told; nobody's save vanishes without a word.
func TestTabsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Service) {
		var won, told int64
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				_, err := s.Save(t.Context(), eve, Draft{Subject: id, Org: acme, Body: []byte(strconv.Itoa(i))})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won++
				case errors.Is(err, ErrStale):
					told++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		d, err := s.Get(t.Context(), eve, id)
		if won != 1 || told != 7 || err != nil || d.Version != 1 {
			t.Errorf("%d won, %d were told, version %d, %v", won, told, d.Version, err)
		}
	})
}

func TestTemplatesAndErasure(t *testing.T) {
	each(t, func(t *testing.T, s *Service) {
		ctx := t.Context()
		for _, name := range []string{"", "  ", "a\nb", strings.Repeat("x", MaxName+1), "\xff"} {
			if err := s.SaveTemplate(ctx, acme, Template{Name: name, By: eve}); !errors.Is(err, ErrName) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for i := range MaxTemplates {
			if err := s.SaveTemplate(ctx, acme, Template{Name: strconv.Itoa(i), By: eve, Body: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.SaveTemplate(ctx, acme, Template{Name: "one more", By: eve}); !errors.Is(err, ErrMany) {
			t.Errorf("one more: %v", err)
		}
		if err := s.SaveTemplate(ctx, acme, Template{Name: " 7 ", By: bob, Body: []byte(`{"a":1}`)}); err != nil {
			t.Error(err)
		}
		if got, err := s.Template(ctx, acme, "7"); err != nil || got.By != bob || string(got.Body) != `{"a":1}` {
			t.Errorf("%+v, %v", got, err)
		}
		if _, err := s.Template(ctx, eve, "7"); !errors.Is(err, ErrNone) {
			t.Errorf("another organisation's: %v", err)
		}
		if err := s.DeleteTemplate(ctx, acme, "8"); err != nil {
			t.Error(err)
		}
		if _, err := s.Save(ctx, eve, Draft{Subject: id, Org: acme, Body: []byte(`{}`)}); err != nil {
			t.Error(err)
		}
		if err := s.DB.Update(ctx, func(tx *store.Tx) error { return Erase(ctx, tx, eve) }); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(ctx, eve); err != nil || len(list) != 0 {
			t.Errorf("erased, and yet %v, %v", list, err)
		}
		list, err := s.Templates(ctx, acme)
		if err != nil || len(list) != MaxTemplates-1 {
			t.Fatalf("%d templates, %v", len(list), err)
		}
		for _, x := range list {
			if x.By == eve || x.Name == "7" && x.By != bob {
				t.Errorf("%s is by %s", x.Name, x.By)
			}
		}
	})
}

func TestTooManyDrafts(t *testing.T) {
	each(t, func(t *testing.T, s *Service) {
		for i := range MaxDrafts {
			if _, err := s.Save(t.Context(), eve, Draft{Subject: strconv.Itoa(i), Body: []byte(`{}`)}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Save(t.Context(), eve, Draft{Subject: id, Body: []byte(`{}`)}); !errors.Is(err, ErrMany) {
			t.Errorf("one more: %v", err)
		}
		if d, err := s.Save(t.Context(), eve, Draft{Subject: "7", Version: 1, Body: []byte(`{"a":1}`)}); err != nil || d.Version != 2 {
			t.Errorf("one that is there: %+v, %v", d, err)
		}
	})
}
