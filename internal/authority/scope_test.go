package authority_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/jcs"
)

func TestScopesMustMakeSense(t *testing.T) {
	for raw, ok := range map[string]bool{
		`{}`: true,
		`{"text": "All products of X", "eol": "excluded", "calendar": "japan"}`:                            true,
		`{"kind": "coordination", "exclude": [{"vendor": "x"}]}`:                                           true,
		`{"include": [{"vendor": "x", "product": "y*"}, {"namespace": "npm/@x"}, {"purl": "pkg:npm/x*"}]}`: true,
		`{"include": [{"cpe": "cpe:2.3:a:x"}], "exclude": [{"product": "y"}]}`:                             true,
		`{"exclude": [{"vendor": "x"}], "text": "all but x"}`:                                              false, // exclusions alone
		`{"include": [{}]}`:                                             false,
		`{"include": [{"derived": true}]}`:                              false,
		`{"include": [{"vendor": "*"}]}`:                                false,
		`{"include": [{"vendor": " _ "}]}`:                              false,
		`{"include": [{"vendor": "` + strings.Repeat("x", 513) + `"}]}`: false,
		`{"include": [{"vendor": "` + strings.Repeat("*x", 17) + `"}]}`: false,
		`{"include": [{"vendor": "a\u0000b"}]}`:                         false,
		`{"include": [{"cpe": "cpe:/a:x"}]}`:                            false,
		`{"include": [{"purl": "npm/x"}]}`:                              false,
		`{"include": [{"namespace": "npm"}]}`:                           false,
		`{"include": [{"namespace": "npm/*"}]}`:                         false,
		`{"eol": "perhaps"}`:                                            false,
		`{"kind": "vendor"}`:                                            false,
		`{"owner": "x"}`:                                                false,
		`{"text": null}`:                                                false,
		`[]`:                                                            false,
		`{"include": [` + strings.Repeat(`{"vendor":"x"},`, 2000) + `{"vendor":"x"}]}`: false,
		`{"text": "` + strings.Repeat("x", 20_001) + `"}`:                              false,
	} {
		if _, err := authority.ParseScope([]byte(raw)); (err == nil) != ok || err != nil && !errors.Is(err, authority.ErrScope) {
			t.Errorf("%.60s: %v", raw, err)
		}
	}
}

// tree is a small Program: two hierarchies with a Root each, and CNAs below.
type tree struct {
	*world
	grants map[string]authority.Grant // by short name and role
}

func newTree(t *testing.T, db *store.DB) *tree {
	tr := &tree{newWorld(t, db), map[string]authority.Grant{}}
	for _, g := range []struct {
		short, under string
		role         authority.OrgRole
		scope        authority.Scope
	}{
		{"east", "", authority.TopLevelRoot, authority.Scope{}},
		{"west", "", authority.TopLevelRoot, authority.Scope{Calendar: "us-federal"}},
		{"isle", "east/TL_ROOT", authority.Root, authority.Scope{Calendar: "japan"}},
		{"east", "east/TL_ROOT", authority.LastResort, authority.Scope{}},
		{"west", "west/TL_ROOT", authority.LastResort, authority.Scope{Exclude: []authority.Match{{Vendor: "toys"}}, Include: []authority.Match{{Vendor: "*a*"}}}},
		{"acme", "isle/ROOT", authority.CNA, authority.Scope{Include: []authority.Match{{Vendor: "Acme Corp"}, {Namespace: "npm/@acme"}, {CPE: "cpe:2.3:o:acme_corp:*"}},
			Exclude: []authority.Match{{Vendor: "acme-corp", Product: "Toy *"}}}},
		{"anvil", "isle/ROOT", authority.CNA, authority.Scope{Include: []authority.Match{{Vendor: "acme corp", Product: "Anvil"}}}},
		{"hammer", "east/TL_ROOT", authority.CNA, authority.Scope{Include: []authority.Match{{CPE: "cpe:2.3:*:acme_corp:anvil"}}, EOL: authority.EOLExcluded}},
		{"far", "west/TL_ROOT", authority.CNA, authority.Scope{Include: []authority.Match{{PURL: "pkg:npm/%40acme/anvil"}}}},
		{"near", "east/TL_ROOT", authority.CNA, authority.Scope{Include: []authority.Match{{PURL: "pkg:npm/@acme/a*"}}}},
		{"seek", "west/TL_ROOT", authority.CNA, authority.Scope{Kind: authority.Coordination, Include: []authority.Match{{Vendor: "toys"}, {Vendor: "acme corp"}}}},
		{"words", "west/TL_ROOT", authority.CNA, authority.Scope{Text: "Everything made of words"}},
	} {
		parent := ""
		if g.under != "" {
			parent = tr.grants[g.under].ID
		}
		tr.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if _, err := authority.GetOrg(ctx, tx, turn.Now(), g.short); errors.Is(err, authority.ErrNoOrg) {
				if _, err := authority.Register(ctx, tx, turn, authority.NewOrg{Short: g.short, Name: g.short}); err != nil {
					return err
				}
			}
			given, err := authority.GiveGrant(ctx, tx, turn, authority.NewGrant{Org: g.short, Role: g.role, Parent: parent, Scope: g.scope,
				Decision: authority.Decision{Text: "decided", Ref: "https://east.example/1"}})
			tr.grants[g.short+"/"+string(g.role)] = given
			return err
		})
	}
	return tr
}

func TestResponsible(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTree(t, db)
		s := tr.scopes(t)
		for _, q := range []struct {
			ask  authority.Product
			want string
		}{
			// Names compare without case; spaces, "_" and "-" are one.
			{authority.Product{Vendor: "ACME_corp", Name: "rocket"}, "acme; CNA acme, ROOT isle, TL_ROOT east"},
			{authority.Product{Vendor: "acme  corporation", Name: "rocket"}, "gap; last resort west, east; CNA_LR west, TL_ROOT west"},
			// An exclusion makes a gap, in which the hierarchy's own last resort comes first; whoever coordinates is named.
			{authority.Product{Vendor: "acme corp", Name: "toy gun"}, "gap; not acme (excluded); coordinated by seek; last resort east, west; CNA_LR east, TL_ROOT east"},
			{authority.Product{Vendor: "toys", Name: "gun"}, "gap; coordinated by seek; last resort east; CNA_LR east, TL_ROOT east"},
			// A product is narrower than its vendor, however it is named; two that are equally narrow overlap.
			{authority.Product{Vendor: "acme corp", Name: "anvil"}, "anvil; wider acme; CNA anvil, ROOT isle, TL_ROOT east"},
			{authority.Product{CPE: "cpe:2.3:a:acme_corp:anvil:1.0:*:*:*:*:*:*:*"}, "anvil hammer; wider acme; overlap, TL_ROOT east; CNA anvil, ROOT isle, TL_ROOT east"},
			// For the end of life the one that excludes it is out.
			{authority.Product{CPE: "cpe:2.3:a:acme_corp:anvil:1.0:*:*:*:*:*:*:*", EOL: true}, "anvil; wider acme; not hammer (end of life); CNA anvil, ROOT isle, TL_ROOT east"},
			// An operating system of acme's by its CPE alone.
			{authority.Product{CPE: `cpe:2.3:o:acme_corp:os\!:1:*:*:*:*:*:*:*`}, "acme; CNA acme, ROOT isle, TL_ROOT east"},
			// Packages: the name, then the pattern, then the namespace; across hierarchies nobody but the Council decides.
			{authority.Product{PURL: "pkg:npm/%40acme/anvil@2.0.0?x=y#z"}, "far; wider near acme; CNA far, TL_ROOT west"},
			{authority.Product{PURL: "pkg:NPM/@acme/apple"}, "near; wider acme; CNA near, TL_ROOT east"},
			{authority.Product{PURL: "pkg:npm/@acme/core"}, "acme; CNA acme, ROOT isle, TL_ROOT east"},
			{authority.Product{PURL: "pkg:npm/@acmecore/x"}, "gap; last resort east; CNA_LR east, TL_ROOT east"},
			{authority.Product{}, "gap; last resort east; CNA_LR east, TL_ROOT east"},
		} {
			if got := answer(s.Responsible(q.ask)); got != q.want {
				t.Errorf("%+v\n got %s\nwant %s", q.ask, got, q.want)
			}
		}
		// By vendor, package and CPE at once, everything fits that fits one of them.
		r := s.Responsible(authority.Product{Vendor: "acme corp", Name: "anvil", PURL: "pkg:npm/@acme/anvil", CPE: "cpe:2.3:a:acme_corp:anvil"})
		if got := answer(r); got != "anvil hammer far; wider near acme; overlap, the Council; CNA anvil, ROOT isle, TL_ROOT east" {
			t.Error(got)
		}
		if gaps := s.Gaps([]authority.Product{{Vendor: "acme corp"}, {Vendor: "toys"}, {Vendor: "none"}}); !slices.Equal(gaps, []authority.Product{{Vendor: "toys"}, {Vendor: "none"}}) {
			t.Errorf("gaps %+v", gaps)
		}
		review := s.Review()
		var text []string
		for _, l := range review.TextOnly {
			text = append(text, l.Short)
		}
		if len(review.Overlaps) != 1 || review.Overlaps[0].Arbiter.Short != "east" || !slices.Equal(text, []string{"words"}) || len(review.Orphans) != 0 {
			t.Errorf("review: %+v", review)
		}
		if one, err := func() (r *authority.Responsibility, err error) {
			tr.view(t, func(ctx context.Context, tx *store.Tx) error {
				r, err = authority.Responsible(ctx, tx, tr.now, authority.Product{Vendor: "acme corp"})
				return err
			})
			return r, err
		}(); err != nil || answer(one) != "acme; CNA acme, ROOT isle, TL_ROOT east" {
			t.Errorf("%v %v", one, err)
		}
	})
}

// A grant stands under one that stands: its power is asked when it is given, and when the parent ends another grant of the same
// role takes its place. Validity begins and ends by the clock.
func TestGrants(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTree(t, db)
		give := func(n authority.NewGrant) (g authority.Grant, err error) {
			err = tr.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
				g, err = authority.GiveGrant(ctx, tx, turn, n)
				return err
			})
			return g, err
		}
		end := func(id, reason string) error {
			return tr.try(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
				return authority.EndGrant(ctx, tx, turn, id, reason, "")
			})
		}
		root, cna := tr.grants["isle/ROOT"], tr.grants["acme/CNA"]
		if cna.Pack != "4.2.0" || cna.Decision != (authority.Decision{Text: "decided", Ref: "https://east.example/1"}) || cna.Parent != root.ID || !cna.StandsAt(tr.now) {
			t.Errorf("%+v", cna)
		}
		for _, tc := range []struct {
			n    authority.NewGrant
			want error
		}{
			{authority.NewGrant{Org: "nobody", Role: authority.CNA}, authority.ErrNoOrg},
			{authority.NewGrant{Org: "acme", Role: "KING"}, authority.ErrRole},
			{authority.NewGrant{Org: "acme", Role: authority.CNA, Parent: operator}, authority.ErrNoGrant},
			{authority.NewGrant{Org: "acme", Role: authority.CNA, Parent: cna.ID}, authority.ErrParent},
			{authority.NewGrant{Org: "acme", Role: authority.Secretariat, Parent: root.ID}, authority.ErrParent},
			{authority.NewGrant{Org: "acme", Role: authority.CNA, Scope: authority.Scope{Exclude: []authority.Match{{Vendor: "x"}}}}, authority.ErrScope},
			{authority.NewGrant{Org: "acme", Role: authority.CNA, To: tr.now}, authority.ErrValidity},
			{authority.NewGrant{Org: "acme", Role: authority.CNA, From: tr.now.Add(2 * time.Hour), To: tr.now.Add(time.Hour)}, authority.ErrValidity},
		} {
			if _, err := give(tc.n); !errors.Is(err, tc.want) {
				t.Errorf("%+v: %v, want %v", tc.n, err, tc.want)
			}
		}
		s := tr.scopes(t)
		if got := s.CalendarOf(cna.ID) + " " + s.CalendarOf(tr.grants["far/CNA"].ID) + " " + s.CalendarOf(tr.grants["near/CNA"].ID); got != "japan us-federal " {
			t.Errorf("calendars %q", got)
		}
		due, err := s.DeadlineUnder(authority.Builtin(), "dispute.acknowledge", time.Date(2026, 9, 18, 3, 0, 0, 0, time.UTC), cna.ID)
		if want := time.Date(2026, 9, 28, 14, 59, 59, 0, time.UTC); err != nil || !due.Equal(want) {
			t.Errorf("after Japan's three holidays: %v, %v", due, err)
		}
		// The Root's grant ends: acme is an orphan until isle is Root again.
		if err := end(root.ID, "broken rules"); err != nil {
			t.Fatal(err)
		}
		if err := end(root.ID, "again"); !errors.Is(err, authority.ErrEnded) {
			t.Errorf("ended twice: %v", err)
		}
		if _, err := give(authority.NewGrant{Org: "acme", Role: authority.CNA, Parent: root.ID}); !errors.Is(err, authority.ErrEnded) {
			t.Errorf("under what has ended: %v", err)
		}
		if got := tr.chain(t, "acme", authority.CNA); got != "CNA acme" {
			t.Error(got)
		}
		if orphans := tr.scopes(t).Review().Orphans; len(orphans) != 2 || orphans[0].Short != "acme" || orphans[1].Short != "anvil" {
			t.Errorf("orphans %+v", orphans)
		}
		if _, err := give(authority.NewGrant{Org: "isle", Role: authority.Root, Parent: tr.grants["east/TL_ROOT"].ID}); err != nil {
			t.Fatal(err)
		}
		if got := tr.chain(t, "acme", authority.CNA); got != "CNA acme, ROOT isle, TL_ROOT east" {
			t.Error(got)
		}
		// From tomorrow until the day after.
		day := 24 * time.Hour
		later, err := give(authority.NewGrant{Org: "words", Role: authority.ADP, From: tr.now.Add(day), To: tr.now.Add(2 * day)})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []bool{false, true, false} {
			at := tr.now.Add(time.Duration(i) * day)
			tr.view(t, func(ctx context.Context, tx *store.Tx) error {
				o, err := authority.GetOrg(ctx, tx, at, "words")
				if o.Has(authority.ADP) != want || later.StandsAt(at) != want {
					t.Errorf("day %d: %v", i, o.Roles)
				}
				return err
			})
		}
		tr.replayed(t)
	})
}

// FuzzScope: what is read is written back the same, is a scope, and its patterns fit what they name.
func FuzzScope(f *testing.F) {
	f.Add([]byte(`{"text": "All products of X", "eol": "excluded"}`))
	f.Add([]byte(`{"kind":"coordination","exclude":[{"vendor":"x"}],"include":[{"cpe":"cpe:2.3:a:x:y","derived":true},{"namespace":"npm/@x"},{"purl":"pkg:npm/x*"}]}`))
	f.Add([]byte(`{"include":[{"product":"a*b","vendor":"İx"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := authority.ParseScope(raw)
		if err != nil {
			if !errors.Is(err, authority.ErrScope) {
				t.Fatalf("%v", err)
			}
			return
		}
		canonical, err := jcs.Canonical(s)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		again, err := authority.ParseScope(canonical)
		if err != nil {
			t.Fatalf("%s was written as %s: %v", raw, canonical, err)
		}
		if twice, err := jcs.Canonical(again); err != nil || !bytes.Equal(twice, canonical) {
			t.Fatalf("%s\n%s %v", canonical, twice, err)
		}
		authority.Fits(t, s)
	})
}
