package program_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/program"
	"tasuki/internal/registry"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

func TestPortalReads(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, acme, other, sec := t.Context(), w.callers["acme"], w.callers["other"], w.callers["secretariat"]
		ids := w.reserve(t, "acme", 3)
		w.reserve(t, "other", 2)
		if _, err := w.Publish(ctx, acme, program.Submission{ID: ids[0], Container: jsontext.Value(container)}); err != nil {
			t.Fatal(err)
		}
		rejected := cve.Rejected
		if _, err := w.ChangeID(ctx, acme, ids[1], program.IDChange{State: &rejected}); err != nil {
			t.Fatal(err)
		}
		want := program.Holdings{Quota: program.Quota{Quota: 1000, Reserved: 1, Available: 999}, Published: 1, Rejected: 1}
		for _, c := range []authority.Caller{acme, sec} {
			if got, err := w.Holdings(ctx, c, "acme"); err != nil || got != want {
				t.Errorf("%+v (%v)", got, err)
			}
			list, total, err := w.IDsOf(ctx, c, "acme", registry.Filter{Limit: 2})
			if err != nil || total != 3 || len(list) != 2 || list[0].ID != ids[0] || !list[0].Whole {
				t.Errorf("%+v %d (%v)", list, total, err)
			}
			members, err := w.Members(ctx, c, "acme")
			if err != nil || len(members) != 1 || members[0].Username != "ann@acme" || members[0].Short != "acme" || members[0].TOTP {
				t.Errorf("%+v (%v)", members, err)
			}
			if m, err := w.Member(ctx, c, acme.User); err != nil || m.ID != acme.User {
				t.Errorf("%+v (%v)", m, err)
			}
		}
		_, err := w.Holdings(ctx, other, "acme")
		_, _, err2 := w.IDsOf(ctx, other, "acme", registry.Filter{Limit: 2})
		_, err3 := w.Members(ctx, other, "nobody")
		for _, err := range []error{err, err2, err3} {
			if !errors.Is(err, authority.ErrOtherOrg) {
				t.Errorf("another's: %v", err)
			}
		}
		if _, err := w.Member(ctx, other, acme.User); !errors.Is(err, authority.ErrNoUser) {
			t.Errorf("another's user: %v", err)
		}
		found, total, err := w.FindOrgs(ctx, sec, " ADP", 0, 10)
		if err != nil || total != 1 || found[0].Short != "adp" {
			t.Errorf("%+v %d (%v)", found, total, err)
		}
		if found, total, err = w.FindOrgs(ctx, sec, "", 1, 2); err != nil || total < 4 || len(found) != 2 || found[0].Short >= found[1].Short {
			t.Errorf("%+v %d (%v)", found, total, err)
		}
		if _, _, err := w.FindOrgs(ctx, acme, "", 0, 1); !errors.Is(err, authority.ErrNotSecretariat) {
			t.Errorf("a CNA lists organisations: %v", err)
		}
		for short, want := range map[string]bool{"acme": true, "ACME": false, "nobody": false, acme.Org: false} {
			if got, err := w.KnownOrg(ctx, short); err != nil || got != want {
				t.Errorf("%q: %v (%v)", short, got, err)
			}
		}
	})
}

// What somebody did is found, newest first and page by page, and so is what was refused to them.
func TestTrail(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, acme := t.Context(), w.callers["acme"]
		ids := w.reserve(t, "acme", 5)
		w.Clock.Add(time.Minute)
		if _, err := w.Publish(ctx, acme, program.Submission{ID: ids[0], Container: jsontext.Value(container)}); err != nil {
			t.Fatal(err)
		}
		w.reserve(t, "other", 1)
		var all []program.Deed
		for before := int64(0); ; before = all[len(all)-1].Leaf {
			page, err := w.Deeds(ctx, acme, before, 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			all = append(all, page...)
		}
		if len(all) != 6 || all[0].Kind != event.RecordPut || all[0].ID != ids[0] || all[0].Own || !all[0].At.Equal(w.Clock.Now()) || all[1].ID != ids[4] ||
			all[1].Kind != event.IDReserved || !all[1].Own || !slices.IsSortedFunc(all, func(a, b program.Deed) int { return int(b.Leaf - a.Leaf) }) {
			t.Errorf("%+v", all)
		}
		if _, err := w.Reserve(ctx, acme, program.Reservation{Owner: "other", Year: 2026, Amount: 1}); !errors.Is(err, program.ErrReserveForOther) {
			t.Fatal(err)
		}
		got, err := w.Trail(ctx, acme, 0, 9)
		if err != nil || len(got) != 1 || got[0].Reason == "" {
			t.Errorf("%+v (%v)", got, err)
		}
		if got, err = w.Trail(ctx, w.callers["other"], 0, 9); err != nil || len(got) != 0 {
			t.Errorf("%+v (%v)", got, err)
		}
		// What is about no identifier is found too.
		if _, err := w.RegisterOrg(ctx, w.callers["secretariat"], authority.NewOrg{Short: "fresh", Name: "Fresh", Roles: []authority.OrgRole{authority.CNA}}); err != nil {
			t.Fatal(err)
		}
		secs, err := w.Deeds(ctx, w.callers["secretariat"], 0, 50)
		if err != nil || len(secs) < 2 || secs[0].Kind != event.GrantGiven || secs[1].Kind != event.OrgRegistered {
			t.Errorf("%+v (%v)", secs, err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}

// One's own key and one-time codes, by a session.
func TestOwnAccount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx := t.Context()
		u, key, err := w.AddUser(ctx, operator, "acme", authority.NewUser{Username: "eve@acme"})
		if err != nil {
			t.Fatal(err)
		}
		open := func(key string) (authority.Session, error) {
			token, err := w.Sessions().Open(ctx, authority.Credentials{Org: "acme", User: "eve@acme", Key: key}, authority.Client{Source: "test"})
			if err != nil {
				return authority.Session{}, err
			}
			s, me, err := w.Resume(ctx, token)
			if err == nil && (me.User.ID != u.ID || me.Org.Short != "acme") {
				t.Errorf("%+v", me)
			}
			return s, err
		}
		s, err := open(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.RenewKey(ctx, s, "wrong", "test"); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("by a wrong key: %v", err)
		}
		fresh, err := w.RenewKey(ctx, s, key, "test")
		if err != nil || fresh == key {
			t.Fatal(err)
		}
		if _, err := open(key); !errors.Is(err, authority.ErrUnauthorized) {
			t.Errorf("the old key opens: %v", err)
		}
		if s, err = open(fresh); err != nil {
			t.Fatal(err)
		}
		if err := w.ClearTOTP(ctx, s.Caller, u.ID); !errors.Is(err, program.ErrOwnTOTP) {
			t.Errorf("one's own: %v", err)
		}
		if err := w.ClearTOTP(ctx, w.callers["other"], u.ID); !errors.Is(err, authority.ErrNoUser) {
			t.Errorf("another's: %v", err)
		}
		if err := w.DropTOTP(ctx, s, "000000"); !errors.Is(err, authority.ErrCode) {
			t.Errorf("without a key for codes: %v", err)
		}
	})
}
