package main

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/drafts"
	"tasuki/internal/edge/serve/page/browsertest"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/spec/cve"
)

// town is a browsed node with an authority at work: a hierarchy, CNAs whose scopes meet, and cases and clocks of several kinds.
type town struct {
	*browsed
	callers map[string]authority.Caller
	keys    map[string]string
	grants  map[string]authority.Grant
	ids     map[string]string // by what they are for
	cases   map[string]string
}

// visit is who opens which pages; "" for a stranger.
type visit struct {
	user  string
	pages []pageType
}

func openTown(t *testing.T) *town {
	t.Helper()
	w := &town{browsed: openBrowsed(t, ""), callers: map[string]authority.Caller{}, keys: map[string]string{}, grants: map[string]authority.Grant{}, ids: map[string]string{},
		cases: map[string]string{}}
	w.settle(t)
	w.work(t)
	if _, err := w.signed(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.catalogue.Warm(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *town) settle(t *testing.T) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, o := range []struct{ short, name, country string }{
		{"secretariat", "The Secretariat", "Japan"}, {"head", "Head of the Program", "USA"}, {"root", "Root of the Isles", "Japan"}, {"acme", "Acme Corporation", "USA"},
		{"kumo", "株式会社クモ", "Japan"}, {"last", "Last Resort", "USA"},
	} {
		profile := authority.Profile{Emails: []string{"psirt@" + o.short + ".example"}, Pages: []string{"https://" + o.short + ".example/security"}, Types: []string{"Vendor"},
			Country: o.country, Policies: []string{"https://" + o.short + ".example/policy"}}
		_, err := w.acts.RegisterOrg(t.Context(), writer, authority.NewOrg{Short: o.short, Name: o.name, Profile: profile})
		must(err)
		u, key, err := w.acts.AddUser(t.Context(), writer, o.short, authority.NewUser{Username: "ann@" + o.short + ".example", Roles: []string{authority.Admin}})
		must(err)
		w.callers[o.short], w.keys[o.short] = authority.Caller{Role: authority.Member, Org: u.Org, User: u.ID}, key
	}
	_, _, err := w.acts.AddUser(t.Context(), writer, "acme", authority.NewUser{Username: "bob@acme.example"})
	must(err)
	give := func(short string, role authority.OrgRole, under string, scope authority.Scope) {
		t.Helper()
		g, err := w.acts.GiveGrant(t.Context(), writer, authority.NewGrant{Org: short, Role: role, Parent: w.grants[under].ID, Scope: scope,
			Decision: authority.Decision{Text: "Decided in spring.", Ref: "https://board.example/1"}})
		must(err)
		w.grants[short] = g
	}
	give("secretariat", authority.Secretariat, "", authority.Scope{})
	give("head", authority.TopLevelRoot, "", authority.Scope{Text: "Everything"})
	give("root", authority.Root, "head", authority.Scope{Text: "Organisations of the isles", Calendar: "japan"})
	give("acme", authority.CNA, "root", authority.Scope{Text: "All Acme products but Fossil, which nobody supports any more, and what Acme's researchers find elsewhere",
		Include: []authority.Match{{Vendor: "Acme"}, {Vendor: "Acme", Product: "Shared"}, {Namespace: "npm/@acme"}}, Exclude: []authority.Match{{Vendor: "Acme", Product: "Fossil"}}})
	give("kumo", authority.CNA, "root", authority.Scope{Text: "クモの製品と、Acme と共有する製品", Include: []authority.Match{{Vendor: "Kumo"}, {Vendor: "Acme", Product: "Shared"}}})
	give("last", authority.LastResort, "head", authority.Scope{Text: "What is left"})
	must(w.acts.OpenRange(t.Context(), writer, 2026))
}

const townRecord = `{"title":"Acme Rocket reads beyond its fuel","descriptions":[{"lang":"en","value":"Acme Rocket before 1.1 reads beyond the end of a buffer when the tank is empty."},` +
	`{"lang":"ja","value":"Acme Rocket 1.1 より前のバージョンは、タンクが空のときにバッファの終わりを越えて読み込みます。"}],"affected":[{"vendor":"Acme","product":"Rocket",` +
	`"versions":[{"version":"0","lessThan":"1.1","status":"affected","versionType":"semver"}]}],"metrics":[{"format":"CVSS","cvssV3_1":{"version":"3.1",` +
	`"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N","baseScore":7.5,"baseSeverity":"HIGH"}}],"problemTypes":[{"descriptions":[{"lang":"en","cweId":"CWE-125",` +
	`"description":"CWE-125 Out-of-bounds Read","type":"CWE"}]}],"references":[{"url":"https://acme.example/advisories/1","tags":["vendor-advisory"]}]}`

// work makes identifiers in every state, a draft, and cases: a dispute that was answered, an overdue refusal, a transfer, a sighting.
func (w *town) work(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	keep := func(key string) func(v program.CaseView, err error) {
		return func(v program.CaseView, err error) {
			t.Helper()
			must(err)
			w.cases[key] = v.ID
		}
	}
	says := func(text string, evidence ...string) governance.Statement {
		return governance.Statement{Text: text, Evidence: evidence}
	}
	reserve := func(short string, n int64) (ids []string) {
		t.Helper()
		batch := "sequential"
		out, err := w.acts.Reserve(ctx, w.callers[short], program.Reservation{Owner: short, Year: 2026, Amount: n, Batch: &batch})
		must(err)
		for _, i := range out.IDs {
			ids = append(ids, i.ID)
		}
		return ids
	}
	ids := reserve("acme", 12)
	w.ids["published"], w.ids["moved"], w.ids["rejected"], w.ids["gone"], w.ids["drafted"], w.ids["reserved"] = ids[0], ids[1], ids[2], ids[3], ids[4], ids[5]
	w.turn(50 * time.Hour)
	for _, key := range []string{"published", "moved", "rejected"} {
		_, err := w.acts.Publish(ctx, w.callers["acme"], program.Submission{ID: w.ids[key], Container: jsontext.Value(townRecord)})
		must(err)
	}
	_, err := w.acts.Reject(ctx, w.callers["acme"], program.Submission{ID: w.ids["rejected"], Want: program.WantOne,
		Container: jsontext.Value(`{"rejectedReasons":[{"lang":"en","value":"Not a vulnerability."}]}`)})
	must(err)
	rejected := cve.Rejected
	_, err = w.acts.ChangeID(ctx, w.callers["acme"], w.ids["gone"], program.IDChange{State: &rejected})
	must(err)
	d := &drafts.Service{DB: w.db, Now: w.now}
	_, err = d.Save(ctx, w.callers["acme"].User, drafts.Draft{Subject: w.ids["drafted"], Org: w.callers["acme"].Org, Body: []byte(`{"base":0,"form":` + townRecord + `}`)})
	must(err)
	keep("dispute")(w.acts.OpenDispute(ctx, w.callers["kumo"], program.NewDispute{Subject: "content", IDs: []string{w.ids["published"]},
		Statement: says("The tank cannot be empty: the pump stops before.", "https://kumo.example/why")}))
	keep("dispute")(w.acts.Acknowledge(ctx, w.callers["acme"], w.cases["dispute"], says("We look into it.")))
	keep("refusal")(w.acts.AskFirst(ctx, w.callers["kumo"], program.NewRefusal{Org: "acme", Statement: says("A flaw in Rocket is public and has no CVE ID.")}))
	keep("transfer")(w.acts.AskTransfer(ctx, w.callers["kumo"], program.NewTransfer{IDs: []string{w.ids["moved"]}, To: "kumo", Reason: "scope", Statement: says("Shared is ours.")}))
	seen := reserve("kumo", 1)[0]
	_, err = w.acts.ReportSighting(ctx, w.callers["secretariat"], seen, "https://news.example/"+seen)
	must(err)
	w.turn(80 * time.Hour) // the answer to the refusal is overdue
}

// visits are every type of page, and who may see it.
func (w *town) visits() []visit {
	return []visit{
		{"", pageTypes},
		{"", []pageType{
			{"CNAs", "/cnas"}, {"CNA tree", "/cnas?view=tree"}, {"CNA", "/cnas/acme"}, {"Root", "/cnas/root"},
			{"ask", "/responsible"}, {"responsible", "/responsible?vendor=acme&product=rocket"}, {"overlap", "/responsible?vendor=acme&product=shared"},
			{"gap", "/responsible?vendor=acme&product=fossil&eol=1"}, {"clocks", "/clocks"}, {"cases", "/disputes"}, {"case", "/disputes/" + w.cases["dispute"]},
			{"own record", "/cve/" + w.ids["published"]}, {"reserved", "/cve/" + w.ids["reserved"]}, {"sign-in", "/portal/sign-in"},
		}},
		{"acme", []pageType{
			{"overview", "/portal/"}, {"ids", "/portal/ids"}, {"id", "/portal/ids/" + w.ids["reserved"]}, {"reserve", "/portal/reserve"},
			{"editor", "/portal/records/" + w.ids["reserved"] + "/edit"}, {"draft", "/portal/records/" + w.ids["drafted"] + "/edit?checked=1"},
			{"update", "/portal/records/" + w.ids["published"] + "/edit"}, {"preview", "/portal/records/" + w.ids["drafted"] + "/preview"}, {"drafts", "/portal/templates"},
			{"organisation", "/portal/orgs/acme"}, {"new user", "/portal/orgs/acme/users/new"}, {"user", "/portal/users/" + w.callers["acme"].User}, {"account", "/portal/account"},
			{"codes", "/portal/account/totp"}, {"cases", "/portal/cases"}, {"case", "/portal/cases/" + w.cases["refusal"]}, {"new dispute", "/portal/cases/new/dispute"},
			{"trail", "/portal/trail"},
		}},
		{"root", []pageType{
			{"overview", "/portal/"}, {"grants", "/portal/grants"}, {"grant", "/portal/grants/" + w.grants["acme"].ID}, {"new grant", "/portal/grants/new"},
			{"case", "/portal/cases/" + w.cases["transfer"]},
		}},
		{"secretariat", []pageType{{"overview", "/portal/"}, {"organisations", "/portal/orgs"}, {"new organisation", "/portal/orgs/new"}, {"change", "/portal/orgs/acme/edit"}}},
	}
}

// enter signs somebody of an organisation in, in the place of whoever was.
func (w *town) enter(t *testing.T, b *browsertest.Browser, short string) {
	t.Helper()
	if short == "" {
		return
	}
	b.Go(t, "/portal/?lang=en")
	if out := `.portal-head form button`; b.Eval(t, `Boolean(document.querySelector("`+out+`"))`).(bool) {
		b.Do(t, chromedp.Click(out))
	}
	b.Until(t, `location.pathname === "/portal/sign-in" && document.activeElement.id === "org"`)
	b.Do(t, chromedp.SendKeys("#org", short), chromedp.SendKeys("#user", "ann@"+short+".example"), chromedp.SendKeys("#key", w.keys[short]+"\n"))
	b.Until(t, `location.pathname === "/portal/" && document.querySelector(".whoami")`)
}
