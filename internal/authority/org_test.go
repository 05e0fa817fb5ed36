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

// An organisation is shown as CVE Services shows it: roles in the order they were given, a default quota by its roles, created
// and modified.
func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		created := w.now
		o := w.register(t, authority.NewOrg{Short: "mitre", Name: " MITRE Corporation ", Roles: []authority.OrgRole{authority.Secretariat, authority.CNA,
			authority.Secretariat}, Quota: ptr(int64(1248)), Profile: authority.Profile{Emails: []string{"cve@example.org"}, Country: "USA"}})
		want := authority.Org{ID: o.ID, Short: "mitre", Name: "MITRE Corporation", Roles: []authority.OrgRole{authority.Secretariat, authority.CNA}, Quota: 1248,
			Created: created, Modified: created, Profile: authority.Profile{Emails: []string{"cve@example.org"}, Country: "USA"}}
		if !reflect.DeepEqual(o, want) || len(o.ID) != 36 || o.ID[14] != '4' {
			t.Errorf("registered %+v\nwant %+v", o, want)
		}
		for i, tc := range []struct {
			roles []authority.OrgRole
			quota int64
		}{{nil, 1000}, {[]authority.OrgRole{authority.ADP}, 0}, {[]authority.OrgRole{authority.ADP, authority.CNA}, 1000}} {
			if o := w.org(t, fmt.Sprintf("org_%d", i), tc.roles...); o.Quota != tc.quota {
				t.Errorf("%v: quota %d, want %d", tc.roles, o.Quota, tc.quota)
			}
		}
		for _, tc := range []struct {
			n    authority.NewOrg
			want error
		}{
			{authority.NewOrg{Short: "mitre", Name: "x"}, authority.ErrOrgExists},
			{authority.NewOrg{Short: "fresh", Name: "x", ID: o.ID}, authority.ErrOrgExists},
			{authority.NewOrg{Short: "m", Name: "x"}, authority.ErrShort},
			{authority.NewOrg{Short: strings.Repeat("é", 33), Name: "x"}, authority.ErrShort},
			{authority.NewOrg{Short: "a\x00b", Name: "x"}, authority.ErrShort},
			{authority.NewOrg{Short: "fresh", Name: " "}, authority.ErrName},
			{authority.NewOrg{Short: "fresh", Name: "x", Quota: ptr(int64(100_001))}, authority.ErrQuota},
			{authority.NewOrg{Short: "fresh", Name: "x", Quota: ptr(int64(-1))}, authority.ErrQuota},
			{authority.NewOrg{Short: "fresh", Name: "x", Roles: []authority.OrgRole{"KING"}}, authority.ErrRole},
		} {
			before := w.size(t)
			err := w.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				_, err := authority.Register(ctx, tx, turn, tc.n)
				return err
			})
			if !errors.Is(err, tc.want) || w.size(t) != before {
				t.Errorf("%+v: %v, want %v", tc.n, err, tc.want)
			}
		}
		w.replayed(t)
	})
}

func TestChangeOrg(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.org(t, "acme", authority.CNA), w.org(t, "beta", authority.CNA)
		change := func(c authority.OrgChange) (o authority.Org, err error) {
			w.now = w.now.Add(time.Minute)
			err = w.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
				o, err = authority.ChangeOrg(ctx, tx, turn, "acme", c)
				return err
			})
			return o, err
		}
		before := w.size(t)
		if o, err := change(authority.OrgChange{}); err != nil || !reflect.DeepEqual(o, a) || w.size(t) != before {
			t.Errorf("nothing to change: %+v, %v", o, err)
		}
		if _, err := change(authority.OrgChange{Short: ptr("beta")}); !errors.Is(err, authority.ErrShortTaken) {
			t.Errorf("another's short name: %v", err)
		}
		if _, err := change(authority.OrgChange{Short: ptr("acme")}); !errors.Is(err, authority.ErrShortTaken) {
			t.Errorf("its own short name: %v", err)
		}
		// Added before removed; what there is, or is not, is no error.
		o, err := change(authority.OrgChange{Add: []authority.OrgRole{authority.ADP, authority.CNA, authority.RootCNA}, Remove: []authority.OrgRole{authority.CNA, authority.BulkDownload}})
		if want := []authority.OrgRole{authority.ADP, authority.RootCNA}; err != nil || !slices.Equal(o.Roles, want) || !o.Modified.Equal(w.now) || !o.Created.Equal(a.Created) {
			t.Errorf("roles %v modified %v (%v)", o.Roles, o.Modified, err)
		}
		if o, err = change(authority.OrgChange{Quota: ptr(int64(7))}); err != nil || o.Quota != 7 || !o.Modified.Equal(w.now) {
			t.Errorf("quota: %+v, %v", o, err)
		}
		// A role that was taken and given again stands at the end.
		if o, err = change(authority.OrgChange{Add: []authority.OrgRole{authority.CNA}}); err != nil || !slices.Equal(o.Roles, []authority.OrgRole{authority.ADP, authority.RootCNA, authority.CNA}) {
			t.Errorf("roles %v (%v)", o.Roles, err)
		}
		if o, err = change(authority.OrgChange{Short: ptr("zeta"), Name: ptr("Zeta")}); err != nil || o.Short != "zeta" || o.Name != "Zeta" || o.ID != a.ID {
			t.Errorf("renamed: %+v, %v", o, err)
		}
		if _, err := change(authority.OrgChange{}); !errors.Is(err, authority.ErrNoOrg) {
			t.Errorf("by the former name: %v", err)
		}
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			for _, name := range []string{"zeta", a.ID, strings.ToUpper(a.ID)} {
				if o, err := authority.GetOrg(ctx, tx, w.now, name); err != nil || o.ID != a.ID {
					t.Errorf("%s: %+v, %v", name, o, err)
				}
			}
			orgs, total, err := authority.Orgs(ctx, tx, w.now, 0, 1)
			if err != nil || total != 2 || len(orgs) != 1 || orgs[0].ID != b.ID || !slices.Equal(orgs[0].Roles, b.Roles) {
				t.Errorf("first page: %+v %d %v", orgs, total, err)
			}
			orgs, _, err = authority.Orgs(ctx, tx, w.now, 1, 5)
			if err != nil || len(orgs) != 1 || !reflect.DeepEqual(orgs[0], o) {
				t.Errorf("second page: %+v %v", orgs, err)
			}
			orgs, total, err = authority.Orgs(ctx, tx, w.now, 9, 5)
			if err != nil || len(orgs) != 0 || total != 2 {
				t.Errorf("beyond the end: %+v %d %v", orgs, total, err)
			}
			return nil
		})
		w.replayed(t)
	})
}

// What is imported keeps its UUID; administrative contacts are private and kept apart.
func TestAdoptAndContacts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const id = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
		want := []authority.Contact{{Name: "Ann Lee", Email: "ann@acme.test", Phone: "+1"}, {Email: "desk@acme.test"}}
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			o, err := authority.Adopt(ctx, tx, turn, authority.NewOrg{ID: id, Short: "acme", Name: "Acme"})
			if err != nil || o.ID != id || !o.Adopted || len(o.Roles) != 0 {
				t.Errorf("adopted %+v, %v", o, err)
			}
			return authority.SetContacts(ctx, tx, turn, "acme", want)
		})
		w.view(t, func(ctx context.Context, tx *store.Tx) error {
			got, err := authority.Contacts(ctx, tx, id)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("contacts %+v, %v", got, err)
			}
			none, err := authority.Contacts(ctx, tx, operator)
			if err != nil || none != nil {
				t.Errorf("contacts of nobody: %+v, %v", none, err)
			}
			return nil
		})
		w.replayed(t)
	})
}
