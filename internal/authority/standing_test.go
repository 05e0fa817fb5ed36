package authority_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
)

// The checks of cve-services-api.md §2 by the roles of the caller's organisation, as in its table of §12.
func TestStandings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		type check = func(*authority.Standing) error
		checks := []struct {
			name string
			do   check
			err  error
		}{
			{"secretariat", (*authority.Standing).MustBeSecretariat, authority.ErrNotSecretariat},
			{"bulk", (*authority.Standing).MustBeSecretariatOrBulk, authority.ErrNotSecretariat},
			{"cna", (*authority.Standing).MustBeCNA, authority.ErrNotCNA},
			{"adp", (*authority.Standing).MustBeADP, authority.ErrNotADP},
			{"admin", (*authority.Standing).MustBeSecretariatOrAdmin, authority.ErrNotAdmin},
			{"partner", (*authority.Standing).MustBePartner, authority.ErrNotPartner},
		}
		for _, tc := range []struct {
			short string
			roles []authority.OrgRole
			admin bool
			pass  []string
		}{
			{"none", nil, false, nil},
			{"none-admin", nil, true, []string{"admin"}},
			{"cna", []authority.OrgRole{authority.CNA}, false, []string{"cna", "partner"}},
			{"cna-admin", []authority.OrgRole{authority.CNA}, true, []string{"cna", "admin", "partner"}},
			{"adp", []authority.OrgRole{authority.ADP}, false, []string{"adp", "partner"}},
			{"bulk", []authority.OrgRole{authority.BulkDownload}, false, []string{"bulk"}},
			{"bulk-cna", []authority.OrgRole{authority.BulkDownload, authority.CNA}, false, []string{"bulk", "cna", "partner"}},
			{"root-cna", []authority.OrgRole{authority.RootCNA}, false, []string{"partner"}},
			{"last", []authority.OrgRole{authority.LastResort}, false, []string{"cna", "partner"}},
			{"supplier", []authority.OrgRole{authority.SupplierADP}, false, []string{"adp", "partner"}},
			{"secretariat", []authority.OrgRole{authority.Secretariat}, false, []string{"secretariat", "bulk", "cna", "adp", "admin", "partner"}},
		} {
			o := w.org(t, tc.short, tc.roles...)
			var roles []string
			if tc.admin {
				roles = []string{authority.Admin}
			}
			s := w.standing(t, w.user(t, o.ID, "someone", roles...))
			for _, c := range checks {
				err := c.do(&s)
				if slices.Contains(tc.pass, c.name) {
					if err != nil {
						t.Errorf("%s, %s: %v", tc.short, c.name, err)
					}
				} else if !errors.Is(err, c.err) || !errors.Is(err, authority.ErrDenied) {
					t.Errorf("%s, %s: %v, want %v", tc.short, c.name, err, c.err)
				}
			}
		}
		for _, c := range checks {
			if err := c.do(&authority.Standing{Caller: authority.Caller{Role: authority.Operator}}); err != nil && c.name != "admin" {
				t.Errorf("operator, %s: %v", c.name, err)
			}
			if err := c.do(&authority.Standing{Caller: authority.Caller{Role: authority.Anonymous}}); !errors.Is(err, c.err) {
				t.Errorf("anonymous, %s: %v", c.name, err)
			}
		}
	})
}

// A grant that was ended is ended for the command that comes after; so is a user who was switched off, moved or removed.
func TestStandingEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.org(t, "acme", authority.CNA)
		w.org(t, "beta", authority.CNA)
		before := w.user(t, a.ID, "ann")
		s := w.standing(t, before)
		if err := s.MustBeCNA(); err != nil {
			t.Fatal(err)
		}
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if s, err := authority.StandingOf(ctx, tx, turn.Now(), s.Caller); err != nil || s.MustBeCNA() != nil {
				t.Errorf("the grant stands: %v", err)
			}
			if _, err := authority.ChangeOrg(ctx, tx, turn, a.ID, authority.OrgChange{Remove: []authority.OrgRole{authority.CNA}}); err != nil {
				return err
			}
			s, err := authority.StandingOf(ctx, tx, turn.Now(), s.Caller)
			if err != nil || !errors.Is(s.MustBeCNA(), authority.ErrNotCNA) {
				t.Errorf("the grant was ended: %v", err)
			}
			return err
		})
		for i, c := range []authority.UserChange{{Active: ptr(false)}, {Active: ptr(true), Org: ptr("beta")}} {
			w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				// What the commands of a group remember of somebody ends with the change.
				if _, err := authority.StandingOf(ctx, tx, turn.Now(), s.Caller); i == 0 && err != nil {
					t.Errorf("%+v, beforehand: %v", c, err)
				}
				if _, err := authority.ChangeUser(ctx, tx, turn, before.ID, c); err != nil {
					return err
				}
				if _, err := authority.StandingOf(ctx, tx, turn.Now(), s.Caller); !errors.Is(err, authority.ErrUnauthorized) {
					t.Errorf("%+v, in the same command: %v", c, err)
				}
				return nil
			})
			w.view(t, func(ctx context.Context, tx *store.Tx) error {
				if _, err := authority.StandingOf(ctx, tx, w.now, s.Caller); !errors.Is(err, authority.ErrUnauthorized) {
					t.Errorf("%+v: %v", c, err)
				}
				return nil
			})
		}
	})
}

// Who may change what of whom (cve-services-api.md §10, steps 2 and 4 to 7).
func TestMayChangeUser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sec, a, b := w.org(t, "sec", authority.Secretariat), w.org(t, "acme", authority.CNA), w.org(t, "beta", authority.CNA)
		people := map[string]authority.User{
			"clerk": w.user(t, sec.ID, "clerk", authority.Admin), "boss": w.user(t, a.ID, "boss", authority.Admin), "ann": w.user(t, a.ID, "ann"),
			"bob": w.user(t, a.ID, "bob"), "eve": w.user(t, b.ID, "eve", authority.Admin),
		}
		rename, username := authority.UserChange{First: ptr("x")}, authority.UserChange{Username: ptr("xxx")}
		active, move := authority.UserChange{Active: ptr(false)}, authority.UserChange{Org: ptr("beta")}
		demote, promote := authority.UserChange{Remove: []string{authority.Admin}}, authority.UserChange{Add: []string{authority.Admin}}
		for _, tc := range []struct {
			who, whom string
			c         authority.UserChange
			want      error
		}{
			{"ann", "ann", authority.UserChange{}, nil},
			{"ann", "ann", rename, nil},
			{"ann", "ann", username, authority.ErrOwnName},
			{"ann", "ann", active, authority.ErrOwnName},
			{"ann", "ann", promote, authority.ErrOwnName},
			{"ann", "ann", demote, authority.ErrOwnName},
			{"ann", "ann", move, authority.ErrMoveUser},
			{"ann", "bob", rename, authority.ErrOtherUser},
			{"ann", "eve", rename, authority.ErrOtherOrg},
			{"boss", "ann", rename, nil},
			{"boss", "ann", username, nil},
			{"boss", "ann", active, nil},
			{"boss", "ann", promote, nil},
			{"boss", "ann", demote, nil},
			{"boss", "ann", move, authority.ErrMoveUser},
			{"boss", "boss", demote, authority.ErrSelfDemote},
			{"boss", "boss", username, nil},
			{"boss", "eve", rename, authority.ErrOtherOrg},
			{"eve", "ann", rename, authority.ErrOtherOrg},
			{"clerk", "ann", move, nil},
			{"clerk", "boss", demote, nil},
			{"clerk", "clerk", demote, authority.ErrSelfDemote},
			{"clerk", "clerk", move, nil},
		} {
			s := w.standing(t, people[tc.who])
			if err := s.MayChangeUser(people[tc.whom], tc.c); !errors.Is(err, tc.want) || (tc.want == nil) != (err == nil) {
				t.Errorf("%s changes %+v of %s: %v, want %v", tc.who, tc.c, tc.whom, err, tc.want)
			}
		}
		for _, tc := range []struct {
			who, whom string
			want      error
		}{{"ann", "ann", nil}, {"ann", "bob", authority.ErrOtherUser}, {"boss", "bob", nil}, {"eve", "bob", authority.ErrOtherOrg}, {"clerk", "bob", nil}} {
			s := w.standing(t, people[tc.who])
			if err := s.MayResetSecret(people[tc.whom]); !errors.Is(err, tc.want) || (tc.want == nil) != (err == nil) {
				t.Errorf("%s resets %s: %v, want %v", tc.who, tc.whom, err, tc.want)
			}
		}
		boss, clerk := w.standing(t, people["boss"]), w.standing(t, people["clerk"])
		if boss.MayAddUser(a.ID) != nil || !errors.Is(boss.MayAddUser(b.ID), authority.ErrNotAdmin) || clerk.MayAddUser(b.ID) != nil {
			t.Error("who may add users where")
		}
	})
}
