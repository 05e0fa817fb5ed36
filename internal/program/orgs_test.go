package program_test

import (
	"errors"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func TestOrganisationsAndUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, sec, acme, other := t.Context(), w.callers["secretariat"], w.callers["acme"], w.callers["other"]
		text := func(s string) *string { return &s }
		refused := func(what string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}

		_, err := w.ChangeOrg(ctx, acme, "acme", authority.OrgChange{Name: text("Mine")})
		refused("a CNA renames itself", err, authority.ErrNotSecretariat)
		_, err = w.ChangeOrg(ctx, sec, "nobody", authority.OrgChange{})
		refused("a change of nobody", err, authority.ErrNoOrg)
		if o, err := w.ChangeOrg(ctx, sec, "acme", authority.OrgChange{Name: text("Acme Corp")}); err != nil || o.Name != "Acme Corp" {
			t.Errorf("renamed: %+v (%v)", o, err)
		}
		_, err = w.Org(ctx, other, "acme")
		refused("another's organisation", err, authority.ErrOtherOrg)
		_, err = w.Org(ctx, other, "nobody")
		refused("an organisation that is not there", err, authority.ErrOtherOrg)
		_, err = w.Org(ctx, sec, "nobody")
		refused("the same for the Secretariat", err, authority.ErrNoOrg)
		if o, err := w.Org(ctx, acme, acme.Org); err != nil || o.Short != "acme" {
			t.Errorf("by UUID: %+v (%v)", o, err)
		}
		_, _, err = w.Orgs(ctx, acme, 0, 10)
		refused("all organisations", err, authority.ErrNotSecretariat)
		if list, total, err := w.Orgs(ctx, sec, 0, 10); err != nil || total != 4 || list[0].Short != "acme" {
			t.Errorf("organisations: %d, %+v (%v)", total, list, err)
		}

		_, _, err = w.AddUser(ctx, acme, "acme", authority.NewUser{Username: "bob@acme"})
		refused("a user without powers adds one", err, authority.ErrNotAdmin)
		_, key, err := w.AddUser(ctx, sec, "acme", authority.NewUser{Username: "bob@acme"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.User(ctx, other, "acme", "bob@acme")
		refused("another's user", err, authority.ErrOtherOrg)
		if users, total, err := w.UsersOf(ctx, acme, "acme", 0, 10); err != nil || total != 2 || users[1].Username != "bob@acme" {
			t.Errorf("users of acme: %d, %+v (%v)", total, users, err)
		}
		_, _, err = w.UsersOf(ctx, other, "nobody", 0, 10)
		refused("users of nobody", err, authority.ErrNoOrg)
		_, _, err = w.Users(ctx, acme, 0, 10)
		refused("everybody", err, authority.ErrNotSecretariat)
		if _, total, err := w.Users(ctx, sec, 0, 10); err != nil || total != 5 {
			t.Errorf("everybody: %d (%v)", total, err)
		}

		// A plain user changes their own name, not another's, and nothing but the name.
		bob, err := w.Login(ctx, "acme", "bob@acme", key, "test")
		if err != nil {
			t.Fatal(err)
		}
		if u, err := w.ChangeUser(ctx, bob, "acme", "bob@acme", authority.UserChange{First: text("Bob")}, nil); err != nil || u.Name.First != "Bob" {
			t.Errorf("own name: %+v (%v)", u, err)
		}
		_, err = w.ChangeUser(ctx, bob, "acme", "ann@acme", authority.UserChange{First: text("Ann")}, nil)
		refused("another's name", err, authority.ErrOtherUser)
		_, err = w.ChangeUser(ctx, bob, "acme", "bob@acme", authority.UserChange{Add: []string{authority.Admin}}, nil)
		refused("own powers", err, authority.ErrOwnName)
		_, err = w.ChangeUser(ctx, bob, "acme", "bob@acme", authority.UserChange{}, text("other"))
		refused("moving oneself", err, authority.ErrMoveUser)
		_, err = w.ChangeUser(ctx, sec, "acme", "bob@acme", authority.UserChange{}, text("nobody"))
		refused("moved to nobody", err, program.ErrNoTarget)
		if u, err := w.ChangeUser(ctx, sec, "acme", "bob@acme", authority.UserChange{}, text("other")); err != nil || u.Org != other.Org {
			t.Errorf("moved: %+v (%v)", u, err)
		}

		// A reset secret is the only one that is good.
		fresh, err := w.ResetSecret(ctx, sec, "other", "bob@acme")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Login(ctx, "other", "bob@acme", key, "test")
		refused("the former secret", err, authority.ErrUnauthorized)
		c, err := w.Login(ctx, "other", "bob@acme", fresh, "test")
		if err != nil {
			t.Fatal(err)
		}
		if s, err := w.Standing(ctx, c); err != nil || s.Org.Short != "other" || s.User.Username != "bob@acme" {
			t.Errorf("standing: %+v (%v)", s, err)
		}
	})
}

// The Secretariat's whole document becomes the record, and what was put before is of the past.
func TestReplace(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		ctx, sec := t.Context(), w.callers["secretariat"]
		id := w.reserve(t, "acme", 1)[0]
		whole := func(state string) []byte {
			return []byte(`{"dataType":"CVE_RECORD","dataVersion":"5.2","cveMetadata":{"cveId":"` + id + `","assignerOrgId":"` + w.callers["acme"].Org + `","state":"` + state +
				`"},"containers":{"cna":{"descriptions":[{"lang":"en","value":"As given."}]}}}`)
		}
		for _, c := range []struct {
			caller, state string
			want          program.Want
			err           error
		}{
			{"acme", "PUBLISHED", program.WantNone, authority.ErrNotSecretariat},
			{"secretariat", "RESERVED", program.WantNone, program.ErrRecordState},
			{"secretariat", "PUBLISHED", program.WantNone, nil},
			{"secretariat", "PUBLISHED", program.WantNone, program.ErrRecordExists},
			{"secretariat", "REJECTED", program.WantOne, nil},
		} {
			if err := w.Service.Replace(ctx, w.callers[c.caller], id, whole(c.state), c.want); !errors.Is(err, c.err) {
				t.Errorf("%s, %s, %d: %v, want %v", c.caller, c.state, c.want, err, c.err)
			}
		}
		if i, err := w.ID(ctx, sec, id); err != nil || i.State != "REJECTED" || !i.Record || i.OwnerName != "acme" {
			t.Errorf("%+v (%v)", i, err)
		}
		if out, err := w.Gate.Replay(ctx, false, nil); err != nil {
			t.Errorf("%v: %+v", err, out)
		}
	})
}
