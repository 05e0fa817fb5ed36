package native

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"tasuki/internal/authority"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/governance"
	"tasuki/internal/program"
	"tasuki/internal/store"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// made is what a record of the test's world says.
type made struct {
	id, state                    string
	published, updated           string // "2024-01-02"
	title, text, lang            string
	vendor, product, before, cwe string // before: affected below that version
	vector                       string // CVSS 3.1
	score                        string
	kev                          string // day
}

const org = "22222222-2222-4222-8222-222222222222"

// json is the record. Its numbers are written in a way that only their lexemes keep.
func (m made) json() []byte {
	quote := func(s string) string {
		raw, err := jsontext.AppendQuote(nil, s)
		if err != nil {
			panic(err)
		}
		return string(raw)
	}
	meta := fmt.Sprintf(`"cveId":%q,"assignerOrgId":"%s","assignerShortName":"acme","state":%q,"datePublished":"%sT00:00:00.000Z","dateUpdated":"%sT08:00:00.000Z"`,
		m.id, org, m.state, m.published, m.updated)
	provider := fmt.Sprintf(`"providerMetadata":{"orgId":"%s","shortName":"acme","dateUpdated":"%sT08:00:00.000Z"}`, org, m.updated)
	if m.state == "REJECTED" {
		return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{%s},"containers":{"cna":{%s,"rejectedReasons":[{"lang":"en","value":%s}]}}}`,
			meta, provider, quote(m.text))
	}
	cna := fmt.Sprintf(`%s,"title":%s,"descriptions":[{"lang":%q,"value":%s}],"affected":[{"vendor":%q,"product":%q,"versions":[{"version":"0","status":"affected","lessThan":%q,"versionType":"semver"}]}],`+
		`"problemTypes":[{"descriptions":[{"lang":"en","type":"CWE","cweId":%q,"description":"A weakness"}]}],"references":[{"url":"https://example.com/%s","tags":["patch"]}],"x_number":1.50`,
		provider, quote(m.title), m.lang, quote(m.text), m.vendor, m.product, m.before, m.cwe, m.id)
	if m.vector != "" {
		cna += fmt.Sprintf(`,"metrics":[{"format":"CVSS","cvssV3_1":{"version":"3.1","vectorString":"CVSS:3.1/%s","baseScore":%s,"baseSeverity":"X"}}]`, m.vector, m.score)
	}
	adp := ""
	if m.kev != "" {
		adp = fmt.Sprintf(`,"adp":[{"providerMetadata":{"orgId":"134c704f-9b21-4f2e-91b3-4a467353bcc0","shortName":"CISA-ADP"},"title":"CISA ADP Vulnrichment","metrics":[{"other":{"type":"kev","content":{"dateAdded":%q,"reference":"https://www.cisa.gov/known-exploited-vulnerabilities-catalog"}}}]}]`, m.kev)
	}
	return fmt.Appendf(nil, `{"dataType":"CVE_RECORD","dataVersion":"5.1","cveMetadata":{%s},"containers":{"cna":{%s}%s}}`, meta, cna, adp)
}

var (
	teamCity = made{id: "CVE-2024-1001", state: "PUBLISHED", published: "2024-01-10", updated: "2024-01-10", title: "Bypass of authentication", text: "A bypass of authentication in the web interface.",
		lang: "en", vendor: "JetBrains", product: "TeamCity", before: "2023.11.3", cwe: "CWE-306", vector: "AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", score: "9.8"}
	sqlHole = made{id: "CVE-2024-1002", state: "PUBLISHED", published: "2024-02-20", updated: "2024-02-20", title: "SQL injection", text: "An injection of SQL into the search page.",
		lang: "en", vendor: "Acme", product: "Shop", before: "2.0", cwe: "CWE-89", vector: "AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:N/A:N", score: "6.5"}
	japanese = made{id: "CVE-2025-2001", state: "PUBLISHED", published: "2025-03-03", updated: "2025-03-03", title: "認証回避", text: "管理画面には認証回避の脆弱性が存在します。",
		lang: "ja", vendor: "日本製作所", product: "ルータ", before: "1.2", cwe: "CWE-287"}
)

// day is nine o'clock of a day.
func day(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t.Add(9 * time.Hour)
}

// turn brings the world's clock to nine o'clock of a day.
func turn(w *gatetest.World, to string) { w.Clock.Add(day(to).Sub(w.Clock.Now())) }

// tell makes the world's history: three records, a correction, a rejection that is taken back, an erasure.
func tell(t testing.TB, w *gatetest.World) {
	t.Helper()
	turn(w, "2026-01-05")
	w.Import(t, teamCity.json(), sqlHole.json()) // leaves 0 and 1
	w.Note(t, "cvelist")
	turn(w, "2026-02-05")
	again := teamCity
	again.updated, again.before, again.kev = "2026-02-04", "2023.11.4", "2026-02-03"
	w.Import(t, again.json(), japanese.json())
	turn(w, "2026-03-05")
	rejected := sqlHole
	rejected.state, rejected.updated, rejected.text = "REJECTED", "2026-03-04", "A duplicate."
	w.Import(t, rejected.json())
	turn(w, "2026-04-05")
	back := sqlHole
	back.updated = "2026-04-04"
	w.Import(t, back.json())
	gone := made{id: "CVE-2026-3001", state: "PUBLISHED", published: "2026-04-01", updated: "2026-04-01", title: "A name", text: "A person's name.", lang: "en",
		vendor: "Acme", product: "Shop", before: "3.0", cwe: "CWE-359"}
	w.Import(t, gone.json())
	turn(w, "2026-05-05")
	w.Erase(t, w.Size(t)-1)
	w.Note(t, "cvelist")
	turn(w, "2026-05-06")
}

// horn is a node's news that never comes.
type horn struct {
	mu sync.Mutex
	ch chan struct{}
}

func (h *horn) next() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ch == nil {
		h.ch = make(chan struct{})
	}
	return h.ch
}

// town is a world with the API before it.
type town struct {
	*gatetest.World
	Options
	acts *program.Service
	horn *horn
	stop chan struct{}
	http.Handler
}

func found(t testing.TB, db *store.DB) *town {
	w := &town{World: gatetest.New(t, db), horn: new(horn), stop: make(chan struct{})}
	w.acts = program.New(program.Config{Gate: w.Gate, DB: w.DB, Log: w.World.Log, Now: w.Clock.Now})
	w.Options = Options{Catalogue: w.World.Catalogue, Authority: program.NewPublic(w.acts), Continuity: keeping{}, News: w.horn.next, Stopping: w.stop, Now: w.Clock.Now, BaseURL: "https://cve.example.org",
		Log: slog.New(slog.DiscardHandler),
		Status: func(context.Context) (Status, error) {
			return Status{List: gatetest.List, Checkpoint: 2, Signed: day("2026-01-05")}, nil
		},
		Proof: func(_ context.Context, id string) (file []byte, older int64, err error) {
			if id == teamCity.id {
				return []byte("c2sp.org/tlog-proof@v1\n"), 0, nil
			}
			return nil, 0, fs.ErrNotExist
		}}
	w.Handler = Handler(w.Options)
	return w
}

// ask asks the API without a connection. Headers are given as "Name: value".
func ask(h http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	method := http.MethodGet
	if m, p, ok := strings.Cut(path, " "); ok {
		method, path = m, p
	}
	r := httptest.NewRequest(method, Prefix+path, nil)
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// govern makes an authority: a hierarchy, two CNAs whose scopes meet, a dispute about a scope and a refusal that is overdue.
func govern(t testing.TB, w *town) (dispute string) {
	t.Helper()
	by := authority.Caller{Role: authority.Operator, Name: "test"}
	grants := map[string]string{}
	for _, o := range []struct {
		short, name string
		role        authority.OrgRole
		under       string
		scope       authority.Scope
	}{
		{"head", "Head of Town", authority.TopLevelRoot, "", authority.Scope{Text: "Everything"}},
		{"isle", "Isle Root", authority.Root, "head", authority.Scope{Text: "The isle", Calendar: "japan"}},
		{"acme", "Acme Widgets", authority.CNA, "isle", authority.Scope{Text: "Acme but Fossil", EOL: authority.EOLExcluded, Include: []authority.Match{{Vendor: "acme"}},
			Exclude: []authority.Match{{Vendor: "acme", Product: "fossil"}}}},
		{"beta", "Beta & Sons", authority.CNA, "isle", authority.Scope{Include: []authority.Match{{Vendor: "acme", Derived: true}}, Exclude: []authority.Match{{Vendor: "acme", Product: "rocket"}}}},
		{"last", "Last Resort", authority.LastResort, "head", authority.Scope{Text: "What is left"}},
	} {
		p := authority.Profile{Emails: []string{"psirt@" + o.short + ".example"}, Country: "Isle", Types: []string{"Vendor"}}
		if _, err := w.acts.RegisterOrg(t.Context(), by, authority.NewOrg{Short: o.short, Name: o.name, Profile: p}); err != nil {
			t.Fatal(err)
		}
		g, err := w.acts.GiveGrant(t.Context(), by, authority.NewGrant{Org: o.short, Role: o.role, Parent: grants[o.under], Scope: o.scope})
		if err != nil {
			t.Fatal(err)
		}
		grants[o.short] = g.ID
	}
	v, err := w.acts.OpenDispute(t.Context(), by, program.NewDispute{Subject: "scope", Against: "acme",
		Statement: governance.Statement{Text: "Fossil is theirs.", Evidence: []string{"https://example.org/fossil"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.acts.AskFirst(t.Context(), by, program.NewRefusal{Org: "acme"}); err != nil {
		t.Fatal(err)
	}
	w.Clock.Add(80 * time.Hour)
	return v.ID
}
