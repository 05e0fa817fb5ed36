package program_test

import (
	"errors"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// A Root gives, changes and ends grants below itself and nowhere else; the Secretariat and the Board everywhere, within what their role
// gives; a CNA nowhere.
func TestGrantsBelow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newTree(t, db)
		ctx, as := t.Context(), func(short string) authority.Caller { return w.callers[short] }
		w.member(t, "fresh")
		give := func(who string, role authority.OrgRole, under string) error {
			_, err := w.GiveGrant(ctx, as(who), authority.NewGrant{Org: "fresh", Role: role, Parent: w.grants[under].ID})
			return err
		}
		for _, tc := range []struct {
			who   string
			role  authority.OrgRole
			under string
			want  error
		}{
			{"root1", authority.CNA, "root1", nil},
			{"root1", authority.CNA, "tlr1", program.ErrNotAbove},
			{"root1", authority.CNA, "root2", program.ErrNotAbove},
			{"root1", authority.CNA, "", program.ErrNotAbove},
			{"root1", authority.TopLevelRoot, "root1", authority.ErrParent},
			{"tlr1", authority.CNA, "root1", nil},
			{"tlr1", authority.Root, "tlr1", nil},
			{"tlr2", authority.CNA, "root1", program.ErrNotAbove},
			{"secretariat", authority.CNA, "root2", nil},
			{"secretariat", authority.BulkDownload, "", nil},
			{"secretariat", authority.Board, "", program.ErrNotAbove},
			{"board", authority.TopLevelRoot, "", nil},
			{"acme", authority.CNA, "acme", program.ErrNotAbove},
			{"other", authority.CNA, "root2", program.ErrNotAbove},
		} {
			if err := give(tc.who, tc.role, tc.under); !errors.Is(err, tc.want) {
				t.Errorf("%s gives %s under %q: %v, want %v", tc.who, tc.role, tc.under, err, tc.want)
			}
		}
		acme := w.grants["acme"].ID
		scope := authority.Scope{Text: "Acme's products", Include: []authority.Match{{Vendor: "acme"}}}
		for _, who := range []string{"root2", "acme", "other"} {
			if _, err := w.ChangeScope(ctx, as(who), acme, scope, authority.Decision{}); !errors.Is(err, program.ErrNotAbove) {
				t.Errorf("%s changes the scope: %v", who, err)
			}
			if err := w.EndGrant(ctx, as(who), acme, "x"); !errors.Is(err, program.ErrNotAbove) {
				t.Errorf("%s ends it: %v", who, err)
			}
		}
		if err := w.EndGrant(ctx, as("root1"), w.grants["root1"].ID, "x"); !errors.Is(err, program.ErrNotAbove) {
			t.Errorf("a Root ends its own: %v", err)
		}
		g, err := w.ChangeScope(ctx, as("root1"), acme, scope, authority.Decision{Text: "as asked"})
		if err != nil || g.Parent != w.grants["root1"].ID || g.Role != authority.CNA || g.Scope.Text != scope.Text {
			t.Fatalf("%+v (%v)", g, err)
		}
		if _, err := w.ChangeScope(ctx, as("root1"), acme, scope, authority.Decision{}); !errors.Is(err, authority.ErrEnded) {
			t.Errorf("of an ended grant: %v", err)
		}
		// The scope of a Root changes: whoever stands under the former grant stands under the new one.
		if _, err := w.ChangeScope(ctx, as("tlr1"), w.grants["root1"].ID, authority.Scope{Text: "more", Calendar: "japan"}, authority.Decision{}); err != nil {
			t.Fatal(err)
		}
		if err := w.EndGrant(ctx, as("root1"), g.ID, "left the Program"); err != nil {
			t.Errorf("ended under the new one: %v", err)
		}
		list, err := w.Grants(ctx, "acme")
		if err != nil {
			t.Fatal(err)
		}
		if last := list[len(list)-1]; last.Stands || last.Reason != "left the Program" || last.Above != "root1" {
			t.Errorf("%+v", last)
		}
		for who, want := range map[string]error{"secretariat": program.ErrNotAbove, "tlr1": program.ErrNotAbove, "board": nil} {
			if _, err := w.AdoptRules(ctx, as(who), nil); !errors.Is(err, want) {
				t.Errorf("%s adopts rules: %v, want %v", who, err, want)
			}
		}
		w.replayed(t)
	})
}
