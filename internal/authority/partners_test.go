package authority_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/authority"
	"tasuki/internal/event"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

func partners(t testing.TB, file string) []authority.Partner {
	t.Helper()
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) && !strings.HasPrefix(file, "testdata") {
		t.Skipf("the Program's partner list is not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := authority.LoadPartners(raw)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// realList is the Program's own list, which is not part of this project (its terms of use).
var realList = filepath.Join("..", "..", "..", "shared", "data", "cna", "CNAsList.json")

// What the list says in words is kept in words; what can be read out of them is marked as derived.
func TestLoadPartners(t *testing.T) {
	list := partners(t, "testdata/partners.json")
	byShort := map[string]authority.Partner{}
	for _, p := range list {
		byShort[p.Short] = p
	}
	if want := (authority.Partner{Short: "acme", Name: "Acme Widgets, Inc. (formerly Roadrunner)", Root: "isle", TopLevel: "head",
		Profile: authority.Profile{Emails: []string{"psirt@acme.example"}, Pages: []string{"https://acme.example/security"}, Policies: []string{"https://acme.example/policy"},
			Advisories: []string{"https://acme.example/advisories"}, Types: []string{"Vendor"}, Country: "Isle", PartnerID: "CNA-0005"},
		Roles: []authority.PartnerRole{{Role: authority.CNA, Scope: authority.Scope{EOL: authority.EOLExcluded,
			Include: []authority.Match{{Derived: true, Vendor: "acme"}, {Derived: true, Vendor: "Acme Widgets"}, {Derived: true, Vendor: "Roadrunner"}, {Derived: true, Vendor: "Anvil"}},
			Text:    "Acme and Anvil products only, excluding end-of-life (EOL) versions"}}}}); !reflect.DeepEqual(byShort["acme"], want) {
		t.Errorf("\n got %+v\nwant %+v", byShort["acme"], want)
	}
	for short, want := range map[string]string{
		"head":        `SECRETARIAT/"All vulnerabilities not already covered by a CNA listed here" TL_ROOT/"All vulnerabilities not already covered by a CNA listed here" CNA_LR/"All vulnerabilities not already covered by a CNA listed here"`,
		"other":       `TL_ROOT/"Control systems" ADP/"Every record"`,
		"isle":        `ROOT/"Isle organizations" CNA/coordination"What it coordinates"`,
		"finders":     `CNA/coordination"Vulnerabilities in third-party software discovered by Finders that are not in another CNA’s scope"`,
		"valve_psirt": `CNA/included"All Valve Controls products; CVE IDs can be assigned for unsupported versions" valve Valve Controls`,
		"libre":       `CNA/"Libre issues only" libre libre Libre Project Libre Project`,
	} {
		var got []string
		for _, r := range byShort[short].Roles {
			got = append(got, fmt.Sprintf("%s/%s%s%q", r.Role, r.Scope.Kind, r.Scope.EOL, r.Scope.Text))
			for _, m := range r.Scope.Include {
				got = append(got, m.Vendor+m.Product)
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s\n got %s\nwant %s", short, got, want)
		}
	}
	for name, raw := range map[string]string{"nothing": "", "empty": "[]", "no list": `{"shortName":"x"}`, "no name": `[{"shortName":"xx"}]`,
		"unknown role": `[{"shortName":"xx","organizationName":"X","CNA":{"roles":[{"role":"King"}]}}]`,
		"no such Root": `[{"shortName":"xx","organizationName":"X","CNA":{"root":{"shortName":"yy"},"roles":[{"role":"CNA"}]}}]`,
		"twice":        `[{"shortName":"xx","organizationName":"X"},{"shortName":"xx","organizationName":"X"}]`} {
		if _, err := authority.LoadPartners([]byte(raw)); !errors.Is(err, authority.ErrPartners) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func (w *world) importPartners(t testing.TB, list []authority.Partner, idOf func(string) string) (n authority.Imported) {
	t.Helper()
	w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) (err error) {
		n, err = authority.ImportPartners(ctx, tx, turn, list, idOf, "")
		return err
	})
	return n
}

func (w *world) scopes(t testing.TB) (s *authority.Scopes) {
	t.Helper()
	w.view(t, func(ctx context.Context, tx *store.Tx) (err error) {
		s, err = authority.ScopesAt(ctx, tx, w.now)
		return err
	})
	return s
}

// Importing makes each organisation once, under its Root; what changed in the list changes here, what somebody decided stays.
func TestImportPartners(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		list := partners(t, "testdata/partners.json")
		const known = "8254265b-2729-46b6-b9e3-3dfca2d5bfca"
		idOf := func(short string) string {
			if short == "acme" {
				return known
			}
			return ""
		}
		if n := w.importPartners(t, list, idOf); n != (authority.Imported{Made: 7, Adopted: 1, Given: 13}) {
			t.Errorf("first: %+v", n)
		}
		size := w.size(t)
		if n := w.importPartners(t, list, idOf); n != (authority.Imported{}) || w.size(t) != size {
			t.Errorf("again: %+v, %d leaves", n, w.size(t)-size)
		}
		for grantee, want := range map[string]string{"acme": "CNA acme, ROOT isle, TL_ROOT head", "valve_psirt": "CNA valve_psirt, ROOT ics, TL_ROOT other",
			"libre": "CNA libre, TL_ROOT head", "isle": "CNA isle, ROOT isle, TL_ROOT head"} {
			if got := w.chain(t, grantee, authority.CNA); got != want {
				t.Errorf("%s: %s, want %s", grantee, got, want)
			}
		}
		if got := w.chain(t, "ics", authority.LastResort); got != "CNA_LR ics, ROOT ics, TL_ROOT other" {
			t.Error(got)
		}
		// Somebody states the scope of acme for programs; the list renames libre, whose scope changes too.
		acme := w.grantOf(t, "acme", authority.CNA)
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			if _, err := authority.GiveGrant(ctx, tx, turn, authority.NewGrant{Org: "acme", Role: authority.CNA, Parent: acme.Parent,
				Scope: authority.Scope{Include: []authority.Match{{Vendor: "acme"}}}}); err != nil {
				return err
			}
			return authority.EndGrant(ctx, tx, turn, acme.ID, "stated anew", "")
		})
		changed := partners(t, "testdata/partners.json")
		for i := range changed {
			if changed[i].Short == "libre" {
				changed[i].Name, changed[i].Roles[0].Scope.Text = "Libre Foundation", "Libre and Gratis issues"
			}
		}
		if n := w.importPartners(t, changed, idOf); n != (authority.Imported{Changed: 1, Given: 1, Ended: 1}) {
			t.Errorf("changed: %+v", n)
		}
		if g := w.grantOf(t, "libre", authority.CNA); g.Scope.Text != "Libre and Gratis issues" {
			t.Errorf("%+v", g)
		}
		w.replayed(t)
	})
}

// grantOf is the newest standing grant of a role.
func (w *world) grantOf(t testing.TB, short string, role authority.OrgRole) (found authority.Grant) {
	t.Helper()
	w.view(t, func(ctx context.Context, tx *store.Tx) error {
		o, err := authority.GetOrg(ctx, tx, w.now, short)
		if err != nil {
			return err
		}
		grants, err := authority.GrantsOf(ctx, tx, o.ID)
		for _, g := range grants {
			if g.Role == role && g.StandsAt(w.now) {
				found = g
			}
		}
		return err
	})
	if found.ID == "" {
		t.Fatalf("%s is no %s", short, role)
	}
	return found
}

// chain is a chain of responsibility in words.
func (w *world) chain(t testing.TB, short string, role authority.OrgRole) string {
	t.Helper()
	return inWords(w.scopes(t).Chain(w.grantOf(t, short, role).ID))
}

func inWords(chain []authority.Link) string {
	var out []string
	for _, l := range chain {
		out = append(out, string(l.Grant.Role)+" "+l.Short)
	}
	return strings.Join(out, ", ")
}

// The Program's real list loads whole, and answers twenty questions, some after decisions that a list in words cannot say.
func TestRealPartners(t *testing.T) {
	list := partners(t, realList)
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	n := w.importPartners(t, list, nil)
	if n.Made != 412 || n.Given != 420 {
		t.Fatalf("%+v", n)
	}
	size := w.size(t)
	if n := w.importPartners(t, list, nil); n != (authority.Imported{}) || w.size(t) != size {
		t.Errorf("again: %+v", n)
	}
	give := func(short string, parent authority.Grant, s authority.Scope) {
		w.do(t, func(ctx context.Context, tx *store.Tx, turn event.Turn) error {
			_, err := authority.GiveGrant(ctx, tx, turn, authority.NewGrant{Org: short, Role: authority.CNA, Parent: parent.ID, Scope: s})
			return err
		})
	}
	head := w.grantOf(t, "mitre", authority.TopLevelRoot)
	redhat, ics := w.grantOf(t, "redhat", authority.Root), w.grantOf(t, "icscert", authority.Root)
	// Namespaces, patterns and exclusions as their holders would state them.
	give("apache", head, authority.Scope{Include: []authority.Match{{Namespace: "maven/org.apache"}, {CPE: "cpe:2.3:a:apache:*"}}})
	give("suse", head, authority.Scope{Include: []authority.Match{{PURL: "pkg:golang/github.com/rancher/*"}}, Exclude: []authority.Match{{PURL: "pkg:golang/github.com/rancher/k3s"}}})
	give("siemens", ics, authority.Scope{Include: []authority.Match{{Vendor: "Mentor Graphics"}}})
	give("redhat", redhat, authority.Scope{Include: []authority.Match{{Vendor: "Mentor Graphics"}, {Vendor: "Quay"}}})
	give("curl", redhat, authority.Scope{Include: []authority.Match{{Vendor: "Quay"}}})

	s := w.scopes(t)
	for _, q := range []struct {
		ask  authority.Product
		want string
	}{
		{authority.Product{Vendor: "Adobe", Name: "Acrobat"}, "adobe; CNA adobe, TL_ROOT mitre"},
		{authority.Product{Vendor: "Adobe Systems", Name: "Acrobat"}, "adobe; CNA adobe, TL_ROOT mitre"},
		{authority.Product{Vendor: "microsoft", Name: "Windows 11"}, "microsoft; CNA microsoft, TL_ROOT mitre"},
		{authority.Product{Vendor: "Microsoft", Name: "Windows XP", EOL: true}, "gap; not microsoft (end of life); last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{Vendor: "Oracle", Name: "Java SE 6", EOL: true}, "gap; not oracle (end of life); last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{Vendor: "Axis Communications", Name: "M10", EOL: true}, "Axis; CNA Axis, TL_ROOT mitre"},
		{authority.Product{Vendor: "Adobe", Name: "Flash Player", EOL: true}, "adobe; CNA adobe, TL_ROOT mitre"}, // silence: as everything else
		{authority.Product{Vendor: "Siemens", Name: "SIMATIC S7"}, "siemens; CNA siemens, ROOT icscert, TL_ROOT CISA"},
		{authority.Product{CPE: "cpe:2.3:o:linux:linux_kernel:6.1:*:*:*:*:*:*:*"}, "Linux; CNA Linux, TL_ROOT mitre"},
		{authority.Product{CPE: "cpe:2.3:o:linux:linux_kernel:2.6:*:*:*:*:*:*:*", EOL: true}, "gap; not Linux (end of life); last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{CPE: `cpe:2.3:a:apache:http_server:2.4.49:*:*:*:*:*:*:*`}, "apache; CNA apache, TL_ROOT mitre"},
		{authority.Product{PURL: "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"}, "apache; CNA apache, TL_ROOT mitre"},
		{authority.Product{PURL: "pkg:npm/left-pad@1.3.0"}, "gap; last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{PURL: "pkg:golang/github.com/rancher/rke2@v1.2.3?os=linux#cmd"}, "suse; CNA suse, TL_ROOT mitre"},
		{authority.Product{PURL: "pkg:golang/github.com/rancher/k3s"}, "gap; not suse (excluded); last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{Vendor: "Mentor Graphics", Name: "Questa"}, "siemens redhat; overlap, the Council; CNA siemens, ROOT icscert, TL_ROOT CISA"},
		{authority.Product{Vendor: "quay", Name: "Clair"}, "redhat curl; overlap, ROOT redhat; CNA redhat, ROOT redhat, TL_ROOT mitre"},
		{authority.Product{Vendor: "Nobody at all", Name: "Thing"}, "gap; last resort mitre, icscert; CNA_LR mitre, TL_ROOT mitre"},
		{authority.Product{Vendor: "Mitsubishi Electric", Name: "MELSEC"}, "Mitsubishi; CNA Mitsubishi, ROOT jpcert, TL_ROOT mitre"},
		{authority.Product{Vendor: "Python Software Foundation", Name: "CPython 2.7", EOL: true}, "PSF; CNA PSF, TL_ROOT mitre"},
	} {
		if got := answer(s.Responsible(q.ask)); got != q.want {
			t.Errorf("%+v\n got %s\nwant %s", q.ask, got, q.want)
		}
	}
	review := s.Review()
	if len(review.Orphans) != 0 || len(review.Overlaps) < 2 {
		t.Errorf("%d orphans, %d overlaps", len(review.Orphans), len(review.Overlaps))
	}
	t.Logf("%d overlaps, %d scopes in words alone, %d grants", len(review.Overlaps), len(review.TextOnly), n.Given)
}

// answer is a responsibility in words.
func answer(r *authority.Responsibility) string {
	shorts := func(claims []authority.Claim, sep string) string {
		var out []string
		for _, c := range claims {
			name := c.Short
			if c.Why != "" {
				name += " (" + c.Why + ")"
			}
			out = append(out, name)
		}
		return strings.Join(out, sep)
	}
	var parts []string
	if r.Gap() {
		parts = append(parts, "gap")
	} else {
		parts = append(parts, shorts(r.Holders, " "))
	}
	if len(r.Wider) > 0 {
		parts = append(parts, "wider "+shorts(r.Wider, " "))
	}
	if len(r.Outside) > 0 {
		parts = append(parts, "not "+shorts(r.Outside, " "))
	}
	if len(r.Coordinators) > 0 {
		parts = append(parts, "coordinated by "+shorts(r.Coordinators, " "))
	}
	switch {
	case r.Overlap() && r.Arbiter != nil:
		parts = append(parts, "overlap, "+inWords([]authority.Link{*r.Arbiter}))
	case r.Overlap():
		parts = append(parts, "overlap, the Council")
	}
	if r.Gap() {
		parts = append(parts, "last resort "+shorts(r.LastResort, ", "))
	}
	return strings.Join(slices.Concat(parts, []string{inWords(r.Chain)}), "; ")
}
