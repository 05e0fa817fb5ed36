package program_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
	"tasuki/spec/cve/schema"
)

var operator = authority.Caller{Role: authority.Operator, Name: "test"}

const container = `{"providerMetadata":{"orgId":"99999999-9999-4999-8999-999999999999"},"title":"T","descriptions":[{"lang":"en","value":"A flaw."}],` +
	`"affected":[{"vendor":"Acme","product":"Rocket","versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.test/1"}],"x_generator":{"engine":"hand"}}`

// world is a list with a Secretariat, a CNA and an ADP.
type world struct {
	*gatetest.World
	*program.Service
	callers map[string]authority.Caller
}

func newWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := &world{World: gatetest.New(t, db), callers: map[string]authority.Caller{}}
	w.Service = newService(t, w.World)
	for short, roles := range map[string][]authority.OrgRole{"secretariat": {authority.Secretariat, authority.CNA}, "acme": {authority.CNA}, "other": {authority.CNA},
		"adp": {authority.ADP}} {
		if _, err := w.RegisterOrg(t.Context(), operator, authority.NewOrg{Short: short, Name: short, Roles: roles}); err != nil {
			t.Fatal(err)
		}
		_, key, err := w.AddUser(t.Context(), operator, short, authority.NewUser{Username: "ann@" + short})
		if err != nil {
			t.Fatal(err)
		}
		if w.callers[short], err = w.Login(t.Context(), short, "ann@"+short, key, "test"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.OpenRange(t.Context(), w.callers["secretariat"], 2026); err != nil {
		t.Fatal(err)
	}
	return w
}

func newService(t *testing.T, w *gatetest.World) *program.Service {
	t.Helper()
	v, err := authority.NewVerifier(w.DB, w.Gate.Rand, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.NewValidator()
	if err != nil {
		t.Fatal(err)
	}
	return program.New(program.Config{Gate: w.Gate, DB: w.DB, Log: w.Log, Verifier: v, Schema: s, Now: w.Clock.Now})
}

func (w *world) reserve(t *testing.T, short string, n int64) []string {
	t.Helper()
	batch := "sequential"
	out, err := w.Reserve(t.Context(), w.callers[short], program.Reservation{Owner: short, Year: 2026, Amount: n, Batch: &batch})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, i := range out.IDs {
		ids = append(ids, i.ID)
	}
	return ids
}

// An identifier's whole life: reserved, published, enriched, updated, rejected, published again; and the list of it all replays.
func TestLife(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		acme, ctx := w.callers["acme"], t.Context()
		id := w.reserve(t, "acme", 1)[0]
		i, err := w.ID(ctx, acme, id)
		if err != nil || !i.Whole || i.OwnerName != "acme" || i.RequesterUser != "ann@acme" || i.State != cve.Reserved {
			t.Fatalf("%+v (%v)", i, err)
		}
		if i, err = w.ID(ctx, authority.Caller{Role: authority.Anonymous}, id); err != nil || i.Whole {
			t.Errorf("a stranger sees %+v (%v)", i, err)
		}
		sub := program.Submission{ID: id, Container: jsontext.Value(container)}
		if _, err := w.Publish(ctx, w.callers["other"], sub); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("somebody else: %v", err)
		}
		raw, err := w.Publish(ctx, acme, sub)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil || rec.Metadata.State != cve.Published || rec.Metadata.AssignerShortName != "acme" || rec.Metadata.AssignerOrgID != acme.Org ||
			rec.Containers.CNA.Provider.OrgID != acme.Org || rec.DataVersion != "5.2" || rec.Metadata.DateReserved == "" {
			t.Fatalf("published: %s (%v)", raw, err)
		}
		if !strings.Contains(string(raw), `"x_generator":{"engine":"hand"}`) {
			t.Errorf("an unknown member is lost: %s", raw)
		}
		if _, err := w.Publish(ctx, acme, sub); !errors.Is(err, program.ErrRecordExists) {
			t.Errorf("published twice: %v", err)
		}
		adp := program.Submission{ID: id, Container: jsontext.Value(`{"title":"seen","references":[{"url":"https://adp.test/1"}]}`)}
		if raw, again, err := w.PutADP(ctx, w.callers["adp"], adp); err != nil || again || !strings.Contains(string(raw), "https://adp.test/1") {
			t.Errorf("ADP: %s (%v)", raw, err)
		}
		rejected := program.Submission{ID: id, Container: jsontext.Value(`{"rejectedReasons":[{"lang":"en","value":"A duplicate."}]}`), Want: program.WantOne}
		if raw, err = w.Reject(ctx, acme, rejected); err != nil || strings.Contains(string(raw), "adp.test") {
			t.Errorf("rejected: %s (%v)", raw, err)
		}
		if _, _, err := w.PutADP(ctx, w.callers["adp"], adp); !errors.Is(err, registry.ErrRejected) {
			t.Errorf("an ADP's container for a rejected record: %v", err)
		}
		sub.Want = program.WantOne
		if raw, err = w.Publish(ctx, acme, sub); err != nil || strings.Contains(string(raw), "dateRejected") {
			t.Errorf("published again: %s (%v)", raw, err)
		}
		var bad *program.InvalidRecord
		sub.Container = jsontext.Value(`{"descriptions":[]}`)
		size := w.Size(t)
		if _, err := w.Publish(ctx, acme, sub); !errors.As(err, &bad) || w.Size(t) != size {
			t.Errorf("a record that does not comply: %v, %d leaves more", err, w.Size(t)-size)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

func TestReservations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, acme := t.Context(), w.callers["acme"]
		first := w.reserve(t, "acme", 3)
		second := w.reserve(t, "other", 2)
		if len(slices.Compact(slices.Sorted(slices.Values(slices.Concat(first, second))))) != 5 {
			t.Errorf("%q and %q", first, second)
		}
		q, err := w.QuotaOf(ctx, acme, "acme")
		if err != nil || q != (program.Quota{Quota: 1000, Reserved: 3, Available: 997}) {
			t.Errorf("%+v (%v)", q, err)
		}
		text := func(s string) *string { return &s }
		for _, c := range []struct {
			caller string
			r      program.Reservation
			want   error
		}{
			{"adp", program.Reservation{Owner: "adp", Year: 2026, Amount: 1}, authority.ErrNotCNA},
			{"acme", program.Reservation{Owner: "other", Year: 2026, Amount: 1}, program.ErrReserveForOther},
			{"secretariat", program.Reservation{Owner: "nobody", Year: 2026, Amount: 1}, authority.ErrNoOrg},
			{"acme", program.Reservation{Owner: "acme", Year: 2026, Amount: 2, Batch: text("what")}, program.ErrBatch},
			{"acme", program.Reservation{Owner: "acme", Year: 2026, Amount: 11, Batch: text("nonsequential")}, program.ErrOverTen},
			{"acme", program.Reservation{Owner: "acme", Year: 1998, Amount: 1}, registry.ErrNoRange},
		} {
			if _, err := w.Reserve(ctx, w.callers[c.caller], c.r); !errors.Is(err, c.want) {
				t.Errorf("%s, %+v: %v, want %v", c.caller, c.r, err, c.want)
			}
		}
		var over *program.QuotaError
		if _, err := w.Reserve(ctx, acme, program.Reservation{Owner: "acme", Year: 2026, Amount: 998, Batch: text("what")}); !errors.As(err, &over) || over.Available != 997 {
			t.Errorf("over the quota: %v", err)
		}

		// A transfer: the new owner may, the former one may not; and who asked for it is Foreign from then on.
		i, err := w.ChangeID(ctx, acme, first[0], program.IDChange{Org: text("other")})
		if err != nil || i.OwnerName != "other" || !i.Foreign {
			t.Errorf("transferred: %+v (%v)", i, err)
		}
		if _, err := w.ChangeID(ctx, acme, first[0], program.IDChange{}); !errors.Is(err, program.ErrNotOwner) {
			t.Errorf("the former owner: %v", err)
		}
		rejected := cve.Rejected
		if i, err = w.ChangeID(ctx, w.callers["other"], first[0], program.IDChange{State: &rejected}); err != nil || i.State != cve.Rejected || i.Record {
			t.Errorf("rejected without a record: %+v (%v)", i, err)
		}
		ids, total, err := w.IDs(ctx, w.callers["other"], registry.Filter{Limit: 500})
		if err != nil || total != 3 || len(ids) != 3 {
			t.Errorf("%d of %d (%v)", len(ids), total, err)
		}
		if _, total, err := w.IDs(ctx, w.callers["secretariat"], registry.Filter{Limit: 500}); err != nil || total != 5 {
			t.Errorf("everybody's: %d (%v)", total, err)
		}
	})
}
