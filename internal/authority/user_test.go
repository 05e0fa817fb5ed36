package authority_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
)

func TestAddUser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.org(t, "acme", authority.CNA), w.org(t, "beta", authority.CNA)
		add := func(n authority.NewUser) (u authority.User, err error) {
			err = w.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
				u, err = authority.AddUser(ctx, tx, turn, n)
				return err
			})
			return u, err
		}
		name := authority.PersonName{First: "Ann", Last: "Lee", Middle: "\x00", Suffix: "山"}
		at := w.now
		u, err := add(authority.NewUser{Org: a.ID, Username: "ann@acme.test", Name: name, Roles: []string{authority.Admin, authority.Admin}, PHC: cheap})
		name.Middle = "\uFFFD"
		want := authority.User{ID: u.ID, Org: a.ID, Username: "ann@acme.test", Name: name, Active: true, Roles: []string{authority.Admin}, Added: u.Added,
			Created: at, Modified: at}
		if err != nil || !reflect.DeepEqual(u, want) || len(u.ID) != 36 {
			t.Errorf("%v\n got %+v\nwant %+v", err, u, want)
		}
		old := time.Date(2020, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
		pulled, err := add(authority.NewUser{ID: "8254265b-2729-46b6-b9e3-3dfca2d5bfca", Org: b.ID, Username: "ann@acme.test", Created: old, Inactive: true})
		if err != nil || !pulled.Created.Equal(old) || !pulled.Modified.Equal(at) || pulled.Active {
			t.Errorf("pulled: %+v, %v", pulled, err)
		}
		for _, tc := range []struct {
			n    authority.NewUser
			want error
		}{
			{authority.NewUser{Org: a.ID, Username: "ann@acme.test"}, authority.ErrUserExists},
			{authority.NewUser{Org: a.ID, Username: "new", ID: u.ID}, authority.ErrUserExists},
			{authority.NewUser{Org: operator, Username: "new"}, authority.ErrNoOrg},
			{authority.NewUser{Org: a.ID, Username: "nö-go"}, authority.ErrUsername},
			{authority.NewUser{Org: a.ID, Username: "no"}, authority.ErrUsername},
			{authority.NewUser{Org: a.ID, Username: "new\n"}, authority.ErrUsername},
			{authority.NewUser{Org: a.ID, Username: strings.Repeat("n", 129)}, authority.ErrUsername},
			{authority.NewUser{Org: a.ID, Username: "new", Roles: []string{"KING"}}, authority.ErrUserRole},
			{authority.NewUser{Org: a.ID, Username: "new", Name: authority.PersonName{Middle: strings.Repeat("n", 101)}}, authority.ErrPersonName},
			{authority.NewUser{Org: a.ID, Username: "new", PHC: "plain"}, authority.ErrPHC},
		} {
			before := w.size(t)
			if _, err := add(tc.n); !errors.Is(err, tc.want) || w.size(t) != before {
				t.Errorf("%+v: %v, want %v", tc.n, err, tc.want)
			}
		}
		for i := range 99 {
			w.user(t, a.ID, fmt.Sprintf("user%02d", 98-i))
		}
		if _, err := add(authority.NewUser{Org: a.ID, Username: "one-too-many"}); !errors.Is(err, authority.ErrTooManyUsers) {
			t.Errorf("the 101st user: %v", err)
		}
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			return authority.RemoveUser(ctx, tx, turn, u.ID)
		})
		if _, err := add(authority.NewUser{Org: a.ID, Username: "ann@acme.test"}); err != nil {
			t.Errorf("the name of somebody who went: %v", err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			if _, err := authority.GetUser(ctx, tx, u.ID); !errors.Is(err, authority.ErrNoUser) {
				t.Errorf("removed: %v", err)
			}
			all, total, err := authority.Users(ctx, tx, 0, 3)
			if err != nil || total != 101 || len(all) != 3 || all[0].ID != pulled.ID || all[1].Username != "user98" || all[2].Username != "user97" {
				t.Errorf("by creation: %+v %d %v", all, total, err)
			}
			of, total, err := authority.UsersOf(ctx, tx, a.ID, 1, 2)
			if err != nil || total != 100 || len(of) != 2 || of[0].Username != "user00" || of[1].Username != "user01" {
				t.Errorf("by username: %+v %d %v", of, total, err)
			}
			return nil
		})
		w.replayed(t)
	})
}

func TestChangeUser(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.org(t, "acme", authority.CNA), w.org(t, "beta", authority.CNA)
		ann := w.user(t, a.ID, "ann")
		w.user(t, a.ID, "bob")
		w.user(t, b.ID, "ann")
		first := w.user(t, a.ID, "zoe")
		change := func(c authority.UserChange) (u authority.User, err error) {
			w.now = w.now.Add(time.Minute)
			err = w.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
				u, err = authority.ChangeUser(ctx, tx, turn, ann.ID, c)
				return err
			})
			return u, err
		}
		before := w.size(t)
		for _, c := range []authority.UserChange{{}, {Active: ptr(true)}, {Remove: []string{authority.Admin}}, {First: ptr("")}} {
			if u, err := change(c); err != nil || !reflect.DeepEqual(u, ann) {
				t.Errorf("%+v: %+v, %v", c, u, err)
			}
		}
		for _, tc := range []struct {
			c    authority.UserChange
			want error
		}{
			{authority.UserChange{Username: ptr("bob")}, authority.ErrUsernameTaken},
			{authority.UserChange{Username: ptr("ann")}, authority.ErrUsernameTaken},
			{authority.UserChange{Username: ptr("")}, authority.ErrUsername},
			{authority.UserChange{Org: ptr("acme")}, authority.ErrSameOrg},
			{authority.UserChange{Org: ptr("nowhere")}, authority.ErrNoOrg},
			{authority.UserChange{Org: ptr("beta")}, authority.ErrUsernameTaken},
			{authority.UserChange{Add: []string{"KING"}}, authority.ErrUserRole},
			{authority.UserChange{Remove: []string{"KING"}}, authority.ErrUserRole},
			{authority.UserChange{Suffix: ptr(strings.Repeat("x", 101))}, authority.ErrPersonName},
		} {
			if _, err := change(tc.c); !errors.Is(err, tc.want) {
				t.Errorf("%+v: %v, want %v", tc.c, err, tc.want)
			}
		}
		if w.size(t) != before {
			t.Errorf("the log grew by %d leaves", w.size(t)-before)
		}
		u, err := change(authority.UserChange{First: ptr("Ann"), Last: ptr("Lee"), Add: []string{authority.Admin}, Active: ptr(false)})
		if err != nil || u.Name != (authority.PersonName{First: "Ann", Last: "Lee"}) || !u.Admin() || u.Active || !u.Modified.Equal(w.now) || !u.Created.Equal(ann.Created) {
			t.Errorf("changed: %+v, %v", u, err)
		}
		if u, err = change(authority.UserChange{Org: ptr("beta"), Username: ptr("ann2"), Last: ptr("")}); err != nil || u.Org != b.ID || u.Username != "ann2" ||
			u.Name != (authority.PersonName{First: "Ann"}) || !slices.Equal(u.Roles, []string{authority.Admin}) {
			t.Errorf("moved: %+v, %v", u, err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			all, _, err := authority.Users(ctx, tx, 0, 9)
			if err != nil || len(all) != 4 || all[0].ID != ann.ID || all[3].ID != first.ID {
				t.Errorf("the order of creation changed: %+v %v", all, err)
			}
			return nil
		})
		w.replayed(t)
	})
}

// A person who is erased is gone from the tables, the live ones and those of a replay, and from the file; whoever shares a name
// with them stays. Facts are erased oldest first, so that no older state comes back in between.
func TestErasePerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.org(t, "acme", authority.CNA)
		ann := w.user(t, a.ID, "ann-marked-person")
		bob := w.user(t, a.ID, "bob")
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if _, err := authority.ChangeUser(ctx, tx, turn, ann.ID, authority.UserChange{Active: ptr(false), Last: ptr("Marked-Person")}); err != nil {
				return err
			}
			if err := authority.ResetSecret(ctx, tx, turn, ann.ID, cheap); err != nil {
				return err
			}
			return authority.RemoveUser(ctx, tx, turn, ann.ID)
		})
		var leaves []int64
		w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
			leaves, err = authority.UserLeaves(ctx, tx, ann.ID)
			return err
		})
		if len(leaves) != 4 || !slices.IsSorted(leaves) {
			t.Fatalf("leaves %d", leaves)
		}
		for _, leaf := range leaves {
			w.erase(t, leaf)
			w.view(t, func(ctx context.Context, tx *store.Tx) error {
				if _, err := authority.GetUser(ctx, tx, ann.ID); !errors.Is(err, authority.ErrNoUser) {
					t.Errorf("after leaf %d: %v", leaf, err)
				}
				return nil
			})
			w.replayed(t)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			left, err := authority.UserLeaves(ctx, tx, ann.ID)
			if err != nil || len(left) != 0 {
				t.Errorf("left: %d %v", left, err)
			}
			if _, err := authority.GetUser(ctx, tx, bob.ID); err != nil {
				t.Error(err)
			}
			return nil
		})
	})
}
