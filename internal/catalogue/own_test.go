package catalogue_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

// own is a list that gives out identifiers of its own.
type own struct {
	*gatetest.World
	acts    *program.Service
	callers map[string]authority.Caller
}

func newOwn(t testing.TB, db *store.DB) *own {
	t.Helper()
	w := &own{World: gatetest.New(t, db), callers: map[string]authority.Caller{}}
	v, err := authority.NewVerifier(db, w.Gate.Rand, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	w.acts = program.New(program.Config{Gate: w.Gate, DB: db, Log: w.Log, Verifier: v, Schema: s, Now: w.Clock.Now})
	operator := authority.Caller{Role: authority.Operator, Name: "test"}
	for short, roles := range map[string][]authority.OrgRole{"secretariat": {authority.Secretariat, authority.CNA}, "acme": {authority.CNA},
		"adp": {authority.ADP}, "adp2": {authority.ADP}} {
		if _, err := w.acts.RegisterOrg(t.Context(), operator, authority.NewOrg{Short: short, Name: short, Roles: roles}); err != nil {
			t.Fatal(err)
		}
		_, key, err := w.acts.AddUser(t.Context(), operator, short, authority.NewUser{Username: "ann@" + short})
		if err != nil {
			t.Fatal(err)
		}
		if w.callers[short], err = w.acts.Login(t.Context(), short, "ann@"+short, key, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.acts.OpenRange(t.Context(), w.callers["secretariat"], 2026); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *own) reserve(t testing.TB, short string) string {
	t.Helper()
	batch := "sequential"
	out, err := w.acts.Reserve(t.Context(), w.callers["secretariat"], program.Reservation{Owner: short, Year: 2026, Amount: 1, Batch: &batch})
	if err != nil {
		t.Fatal(err)
	}
	return out.IDs[0].ID
}

const ownContainer = `{"title":"Rockets explode","descriptions":[{"lang":"en","value":"A flaw in ownword."}],` +
	`"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}]}`

// A record that is put piece by piece is read, found, remembered and proved as any other.
func TestOwnRecord(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newOwn(t, db)
		id := w.reserve(t, "acme")
		if _, err := w.Catalogue.Get(t.Context(), id); !errors.Is(err, catalogue.ErrNotFound) {
			t.Fatalf("reserved: %v", err)
		}
		current := func(want []byte, words string, hits int) *catalogue.View {
			t.Helper()
			v, err := w.Catalogue.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err := v.Raw(); err != nil || !bytes.Equal(raw, want) {
				t.Errorf("the catalogue has\n%s (%v), the act said\n%s", raw, err, want)
			}
			page, err := w.Catalogue.Search(t.Context(), catalogue.Query{Text: words, Limit: 2})
			if err != nil || page.Total != hits {
				t.Errorf("%q finds %d (%v), want %d", words, page.Total, err, hits)
			}
			if !v.Changed.Equal(w.Clock.Now()) {
				t.Errorf("lastModified %s, it is %s", v.Changed, w.Clock.Now())
			}
			return v
		}
		// The Secretariat publishes what is acme's: the assigner is acme, whoever puts the container.
		raw, err := w.acts.Publish(t.Context(), w.callers["secretariat"], program.Submission{ID: id, Container: jsontext.Value(ownContainer)})
		if err != nil {
			t.Fatal(err)
		}
		v := current(raw, "ownword", 1)
		if m := v.Record.Metadata; m.AssignerOrgID != w.callers["acme"].Org || m.AssignerShortName != "acme" || v.State != cve.Published {
			t.Errorf("%+v", m)
		}
		w.Clock.Add(time.Hour)
		adp := program.Submission{ID: id, Container: jsontext.Value(`{"title":"seenword","references":[{"url":"https://adp.test/1"}]}`)}
		if raw, _, err = w.acts.PutADP(t.Context(), w.callers["adp"], adp); err != nil {
			t.Fatal(err)
		}
		current(raw, "seenword", 1)
		w.Clock.Add(time.Hour)
		rejection := program.Submission{ID: id, Container: jsontext.Value(`{"rejectedReasons":[{"lang":"en","value":"No flaw at all."}]}`), Want: program.WantOne}
		if raw, err = w.acts.Reject(t.Context(), w.callers["acme"], rejection); err != nil {
			t.Fatal(err)
		}
		if v := current(raw, "seenword", 0); v.State != cve.Rejected {
			t.Errorf("state %s", v.State)
		}
		versions, err := w.Catalogue.Versions(t.Context(), id)
		if err != nil || len(versions) != 3 {
			t.Fatalf("%+v (%v)", versions, err)
		}
		if past, err := w.Catalogue.Version(t.Context(), id, versions[1].Index); err != nil || len(past.Record.Containers.ADP) != 1 {
			t.Errorf("%+v (%v)", past, err)
		}
		if out, err := w.Gate.Replay(t.Context(), false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}
