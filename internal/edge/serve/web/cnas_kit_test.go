package web

import (
	"crypto/rand"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/spec/cve/schema"
)

var ofOperator = authority.Caller{Role: authority.Operator, Name: "test"}

var validator = sync.OnceValues(schema.NewValidator)

// town is a list with an authority: two hierarchies, CNAs whose scopes meet, and cases of every kind.
type town struct {
	*gatetest.World
	acts    *program.Service
	callers map[string]authority.Caller
	grants  map[string]authority.Grant
	ids     map[string]string // identifiers by what they are for
	cases   map[string]string
	http.Handler
}

// secrets are what nobody may read on a page of town.
var secrets = []string{"hidden-words", "hidden-evidence", "ann@", "4711"}

// founded is an authority without a case.
func founded(t testing.TB, db *store.DB) *town {
	t.Helper()
	w := &town{World: gatetest.New(t, db), callers: map[string]authority.Caller{}, grants: map[string]authority.Grant{}, ids: map[string]string{}, cases: map[string]string{}}
	v, err := authority.NewVerifier(w.DB, rand.Reader, w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	valid, err := validator()
	if err != nil {
		t.Fatal(err)
	}
	w.acts = program.New(program.Config{Gate: w.Gate, DB: w.DB, Log: w.Log, Verifier: v, Schema: valid, Now: w.Clock.Now})
	w.turn(t, "2026-03-02T09:00:00Z")
	w.Handler = Handler(Options{Kit: w.kit(), Catalogue: w.Catalogue, Authority: w.public()})
	return w
}

func (w *town) turn(t testing.TB, to string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, to)
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(at.Sub(w.Clock.Now()))
}

func (w *town) member(t testing.TB, short, name string, p authority.Profile) {
	t.Helper()
	quota := int64(4711)
	if _, err := w.acts.RegisterOrg(t.Context(), ofOperator, authority.NewOrg{Short: short, Name: name, Profile: p, Quota: &quota}); err != nil {
		t.Fatal(err)
	}
	u, _, err := w.acts.AddUser(t.Context(), ofOperator, short, authority.NewUser{Username: "ann@" + short})
	if err != nil {
		t.Fatal(err)
	}
	w.callers[short] = authority.Caller{Role: authority.Member, Org: u.Org, User: u.ID}
}

func (w *town) give(t testing.TB, key, short string, role authority.OrgRole, under string, scope authority.Scope) {
	t.Helper()
	g, err := w.acts.GiveGrant(t.Context(), ofOperator, authority.NewGrant{Org: short, Role: role, Parent: w.grants[under].ID, Scope: scope,
		Decision: authority.Decision{Text: "Decided in spring.", Ref: "https://board.example/1"}})
	if err != nil {
		t.Fatal(err)
	}
	w.grants[key] = g
}

func (w *town) reserve(t testing.TB, short string) string {
	t.Helper()
	out, err := w.acts.Reserve(t.Context(), w.callers[short], program.Reservation{Owner: short, Year: 2026, Amount: 1})
	if err != nil {
		t.Fatal(err)
	}
	return out.IDs[0].ID
}

const townContainer = `{"title":"A flaw","descriptions":[{"lang":"en","value":"A flaw."}],"affected":[{"vendor":"Acme","product":"Rocket",` +
	`"versions":[{"version":"1","status":"affected"}]}],"references":[{"url":"https://acme.example/1"}]}`

func (w *town) publish(t testing.TB, short string) string {
	t.Helper()
	id := w.reserve(t, short)
	w.Clock.Add(50 * time.Hour)
	if _, err := w.acts.Publish(t.Context(), w.callers[short], program.Submission{ID: id, Container: jsontext.Value(townContainer)}); err != nil {
		t.Fatal(err)
	}
	return id
}

func statement(text string, evidence ...string) governance.Statement {
	return governance.Statement{Text: text, Evidence: evidence}
}

// settle makes the town's organisations.
func (w *town) settle(t testing.TB) {
	t.Helper()
	at := func(short string) authority.Profile {
		return authority.Profile{Emails: []string{"psirt@" + short + ".example"}, Pages: []string{"https://" + short + ".example/security"}, Types: []string{"Vendor"}, Country: "Japan",
			Policies: []string{"https://" + short + ".example/policy"}, PartnerID: "CNA-2026-0001"}
	}
	for short, name := range map[string]string{"sec": "The Secretariat", "head": "Head of Town", "isle": "Isle Root", "acme": "Acme Widgets", "beta": "Beta & Sons",
		"last": "Last Resort", "dusk": "株式会社ダスク"} {
		w.member(t, short, name, at(short))
	}
	w.member(t, "aaa-idle", "Nobody yet", authority.Profile{})
	for _, short := range []string{"aab", "aac", "aad", "aae", "aaf", "aag"} { // more organisations than grants
		w.member(t, short, "Idle "+short, authority.Profile{})
	}
	if err := w.acts.OpenRange(t.Context(), ofOperator, 2026); err != nil {
		t.Fatal(err)
	}
	w.give(t, "sec", "sec", authority.Secretariat, "", authority.Scope{})
	w.give(t, "head", "head", authority.TopLevelRoot, "", authority.Scope{Text: "Everything"})
	w.give(t, "isle", "isle", authority.Root, "head", authority.Scope{Text: "Organisations of the isle", Calendar: "japan"})
	w.give(t, "acme", "acme", authority.CNA, "isle", authority.Scope{Text: "All Acme products but Fossil", EOL: authority.EOLExcluded,
		Include: []authority.Match{{Vendor: "Acme"}, {Namespace: "npm/@acme"}}, Exclude: []authority.Match{{Vendor: "Acme", Product: "Fossil"}}})
	w.give(t, "beta", "beta", authority.CNA, "isle", authority.Scope{Text: "Beta, and Acme Shared", Include: []authority.Match{{Vendor: "Beta"}, {Vendor: "Acme", Product: "Shared"}}})
	w.give(t, "acme2", "acme", authority.CNA, "isle", authority.Scope{Include: []authority.Match{{Vendor: "Acme", Product: "Shared"}}})
	w.give(t, "dusk", "dusk", authority.CNA, "isle", authority.Scope{Text: "ダスク製品のみ", Include: []authority.Match{{Vendor: "dusk", Derived: true}}})
	w.give(t, "last", "last", authority.LastResort, "head", authority.Scope{Text: "What is left"})
}

// quarrel makes cases: a dispute that went up, a hidden one, a refusal, a transfer, a direction, an identifier that is reserved but public.
func (w *town) quarrel(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	keep := func(key string) func(v program.CaseView, err error) {
		return func(v program.CaseView, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			w.cases[key] = v.ID
		}
	}
	w.ids["disputed"], w.ids["moved"] = w.publish(t, "acme"), w.publish(t, "acme")
	keep("dispute")(w.acts.OpenDispute(ctx, w.callers["beta"], program.NewDispute{Subject: "content", IDs: []string{w.ids["disputed"]},
		Statement: statement("It is <b>no</b> flaw at all.", "https://beta.example/why")}))
	keep("dispute")(w.acts.Acknowledge(ctx, w.callers["acme"], w.cases["dispute"], statement("We look into it.")))
	w.ids["secret"] = w.reserve(t, "acme")
	keep("hidden")(w.acts.OpenDispute(ctx, w.callers["beta"], program.NewDispute{Subject: "publish", IDs: []string{w.ids["secret"]},
		Statement: statement("hidden-words", "https://beta.example/hidden-evidence")}))
	keep("refusal")(w.acts.AskFirst(ctx, w.callers["beta"], program.NewRefusal{Org: "acme", Statement: statement("A flaw in Rocket is public.")}))
	keep("transfer")(w.acts.AskTransfer(ctx, w.callers["beta"], program.NewTransfer{IDs: []string{w.ids["moved"]}, To: "beta", Reason: "delay", Statement: statement("They do not answer.")}))
	keep("transfer")(w.acts.Transfer(ctx, w.callers["isle"], program.NewTransfer{Case: w.cases["transfer"]}))
	w.ids["rbp"] = w.reserve(t, "dusk")
	if fresh, err := w.acts.ReportSighting(ctx, w.callers["sec"], w.ids["rbp"], "https://news.example/"+w.ids["rbp"]); err != nil || !fresh {
		t.Fatal(fresh, err)
	}
	w.Clock.Add(80 * time.Hour) // the answer to the refusal is overdue, and so are some others
}

// busy is a town with people and cases.
func busy(t testing.TB, db *store.DB) *town {
	t.Helper()
	w := founded(t, db)
	w.settle(t)
	w.quarrel(t)
	return w
}

func (w *town) kit() page.Kit {
	return page.Kit{Status: &fakeStatus{node: page.Node{ListID: gatetest.List, Records: 3}}, Log: discard, Now: w.Clock.Now, BaseURL: "http://localhost:8080"}
}

func (w *town) public() *program.Public { return program.NewPublic(w.acts) }

var askAcme = program.NewRefusal{Org: "acme", Statement: statement("A flaw in Rocket is public.")}
