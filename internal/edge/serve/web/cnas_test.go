package web

import (
	"encoding/xml"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tasuki/internal/authority"
	"tasuki/internal/program"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
	"tasuki/spec/cve"
)

// in checks that the page says texts.
func in(t *testing.T, p *sheet, what string, texts ...string) {
	t.Helper()
	got := p.one(t, "main").words()
	bare := func(text string) string { return strings.Join(strings.Fields(text), "") } // cells have no space between them
	for _, text := range texts {
		if !strings.Contains(bare(got), bare(text)) {
			t.Errorf("%s does not say %q:\n%s", what, text, got)
		}
	}
}

// Every page of the authority over a busy list, on each engine: what it has to say, and nothing that is not public.
func TestAuthorityPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := busy(t, db)
		for path, want := range map[string][]string{
			"/cnas":             {"7 organisations", "Acme Widgets acme CNA Japan isle 2", "株式会社ダスク", "Top-Level Root"},
			"/cnas?q=nobody":    {"1 organisation", "Nobody yet"},
			"/cnas?role=CNA_LR": {"1 organisation", "Last Resort"},
			"/cnas?root=isle&country=Japan&type=Vendor":          {"4 organisations"},
			"/cnas?country=Atlantis":                             {"No organisation of the directory is like this"},
			"/cnas?view=tree":                                    {"Head of Town head · Top-Level Root · 2 below Isle Root isle · Root · 3 below"},
			"/cnas/acme":                                         {"Acme Widgets", "psirt@acme.example", "https://acme.example/policy", "All Acme products but Fossil", "vendor Acme, product Fossil", "not covered", "Decided in spring.", "rule pack 4.2.0", "2 published", "Median from reservation to publication 2 days over 2 identifiers", "Overdue ▲", "First refusal"},
			"/cnas/isle":                                         {"3 organisations under it", "Organisations of the isle"},
			"/clocks":                                            {"Answer whether it will assign", "hours overdue", "Publish an identifier that is reserved but public", "not public", "CNA rules 4.2.1.2", "Share met acme ▲"},
			"/clocks?state=overdue&cna=acme":                     {"Answer whether it will assign"},
			"/clocks?cna=nobody":                                 {"No clock is like this"},
			"/disputes":                                          {"4 cases", "Dispute what the record says", "beta → acme", "Transfer delay", "not public"},
			"/disputes?workflow=transfer":                        {"1 case", "transferred"},
			"/disputes?state=open&cna=beta":                      {"2 cases"},
			"/disputes/" + w.cases["dispute"]:                    {"It is <b>no</b> flaw at all.", "https://beta.example/why", "We look into it.", "Dispute opened", "Acknowledged", "at the CNA", "What is due"},
			"/disputes/" + w.cases["hidden"]:                     {"This case is about something that was not public when it began", w.ids["secret"]},
			"/disputes/" + w.cases["transfer"]:                   {"They do not answer.", "Transfer asked for", "Transferred by isle"},
			"/responsible":                                       {"Name the vendor and the product"},
			"/responsible?vendor=acme&product=rocket":            {"Acme Widgets is responsible", "psirt@acme.example", "Chain of responsibility If the first does not answer or you disagree, each next one may be asked. acme Acme Widgets CNA isle Isle Root Root head Head of Town Top-Level Root", "If it refuses"},
			"/responsible?vendor=ACME&product=Shared":            {"More than one is responsible", "Acme Widgets", "Beta & Sons", "the one above both decides: isle"},
			"/responsible?vendor=acme&product=fossil":            {"No CNA covers this: write to Last Resort", "its scope leaves it out: vendor Acme, product Fossil"},
			"/responsible?vendor=acme&product=rocket&eol=1":      {"assigns nothing for products at their end of life", "write to Last Resort"},
			"/responsible?code=pkg:npm/%2540acme/core":           {"Acme Widgets is responsible", "packages below npm/@acme"},
			"/responsible?code=cpe:2.3:a:beta:x:*:*:*:*:*:*:*:*": {"Beta & Sons is responsible"},
			"/responsible?vendor=dusk":                           {"read out of the words"},
			"/responsible?vendor=unknown":                        {"No CNA covers this"},
			"/cve/" + w.ids["disputed"]:                          {"A case about this record is open: Dispute, acknowledged"},
			"/assigners/acme":                                    {"Scope and contact"},
		} {
			for _, lang := range []string{"en", "ja"} {
				joint := "?"
				if strings.Contains(path, "?") {
					joint = "&"
				}
				p := fetch(t, w, path+joint+"lang="+lang)
				if p.status != http.StatusOK {
					t.Fatalf("%s: %d", path, p.status)
				}
				if lang == "en" {
					in(t, p, path, want...)
				}
				for _, secret := range secrets {
					if strings.Contains(p.raw, secret) {
						t.Errorf("%s tells %q", path, secret)
					}
				}
			}
		}
		// A clock about a reserved identifier names it, and not whose it is; nor does any filter find it by its owner.
		for _, path := range []string{"/clocks?cna=dusk", "/cnas/dusk"} {
			if p := fetch(t, w, path); strings.Contains(p.one(t, "main").words(), w.ids["rbp"]) {
				t.Errorf("%s tells whose %s is", path, w.ids["rbp"])
			}
		}
		// An identifier without a record says what became of it, and not whose it is.
		gone := w.reserve(t, "acme")
		rejected := cve.Rejected
		if _, err := w.acts.ChangeID(t.Context(), w.callers["acme"], gone, program.IDChange{State: &rejected}); err != nil {
			t.Fatal(err)
		}
		for id, says := range map[string]string{w.reserve(t, "acme"): "is reserved", gone: "is rejected", "CVE-2026-9999999": "is not in this list"} {
			p := fetch(t, w, "/cve/"+id)
			if in(t, p, id, says); p.status != http.StatusNotFound || strings.Contains(strings.ToLower(p.raw), "acme widgets") {
				t.Errorf("%s: %d, with its owner", id, p.status)
			}
		}
		for path, status := range map[string]int{"/cnas/nobody": 404, "/disputes/nothing": 404, "/disputes/" + strings.Repeat("x", 3000): 404,
			"/cnas/ACME": 301, "/responsible?vendor=" + strings.Repeat("x", 1001): 400} {
			if p := fetch(t, w, path); p.status != status {
				t.Errorf("%.40s: %d, want %d", path, p.status, status)
			}
		}
		if to := fetch(t, w, "/cnas/ACME?lang=ja").header.Get("Location"); to != "/cnas/acme?lang=ja" {
			t.Errorf("another way to write a short name leads to %q", to)
		}
	})
}

// An assigner of imported records that holds no role has a page all the same, which says so.
func TestImportedAssigner(t *testing.T) {
	w := load(t)
	town := founded(t, storetest.Open(t, storetest.SQLite(t)))
	o := Options{Kit: town.kit(), Catalogue: w, Authority: town.public()}
	p := fetch(t, Handler(o), "/cnas/juniper")
	if p.status != http.StatusOK {
		t.Fatal(p.status)
	}
	in(t, p, "the page", "juniper holds no role in this list", "published", "What its records are about")
	w.cold = true
	if p := fetch(t, Handler(o), "/cnas/juniper"); p.status != http.StatusServiceUnavailable {
		t.Errorf("while the index is read: %d", p.status)
	}
	if p := fetch(t, Handler(o), "/cnas"); p.status != http.StatusOK {
		t.Errorf("the directory needs no index: %d", p.status)
	}
}

// The feed has an entry per clock, by a name that stays, which is new when the clock comes near its end, passes it, and ends.
func TestClockFeed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := founded(t, db)
		w.settle(t)
		began := w.Clock.Now()
		v, err := w.acts.AskFirst(t.Context(), w.callers["beta"], askAcme)
		if err != nil {
			t.Fatal(err)
		}
		entry := func() atomEntry {
			t.Helper()
			p := fetch(t, w, "/clocks.atom")
			var f struct {
				Entries []atomEntry `xml:"entry"`
			}
			if err := xml.Unmarshal([]byte(p.raw), &f); err != nil || p.status != http.StatusOK || len(f.Entries) == 0 {
				t.Fatalf("%d, %v: %s", p.status, err, p.raw)
			}
			return f.Entries[len(f.Entries)-1]
		}
		first := entry()
		if !strings.HasPrefix(first.Title, "RUNNING refusal.answer acme") || first.Updated != stamp(began) {
			t.Errorf("%+v", first)
		}
		for _, c := range []struct {
			after          time.Duration
			title, updated string
		}{
			{30 * time.Hour, "RUNNING", stamp(began)}, {55 * time.Hour, "DUE SOON", stamp(began.Add(54 * time.Hour))}, {73 * time.Hour, "OVERDUE", stamp(began.Add(72 * time.Hour))},
		} {
			w.Clock.Add(began.Add(c.after).Sub(w.Clock.Now()))
			if e := entry(); !strings.HasPrefix(e.Title, c.title) || e.Updated != c.updated || e.ID != first.ID {
				t.Errorf("after %v: %+v", c.after, e)
			}
		}
		if _, err := w.acts.AnswerFirst(t.Context(), w.callers["acme"], v.ID, true, statement("")); err != nil {
			t.Fatal(err)
		}
		if e := entry(); !strings.HasPrefix(e.Title, "MISSED") || e.Updated != stamp(w.Clock.Now()) || e.ID != first.ID {
			t.Errorf("ended: %+v", e)
		}
		p := fetch(t, w, "/clocks?lang=en")
		in(t, p, "the tally", "By organisation", "acme 0 0 0 1 0 %")
	})
}

// The Program's own list, where it is at hand: 412 CNAs in a directory that is small and quick.
func TestRealDirectory(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "..", "shared", "data", "cna", "CNAsList.json"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("the Program's partner list is not here")
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := authority.LoadPartners(raw)
	if err != nil {
		t.Fatal(err)
	}
	w := founded(t, storetest.Open(t, storetest.SQLite(t)))
	if _, err := w.acts.ImportPartners(t.Context(), ofOperator, list, nil); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/cnas?lang=en", "/cnas?lang=ja", "/cnas?view=tree&lang=en", "/responsible?vendor=adobe&product=acrobat&lang=en", "/cnas/adobe"} {
		best := time.Hour
		var size int
		for range 5 {
			began := time.Now()
			p := fetch(t, w, path)
			best, size = min(best, time.Since(began)), len(p.raw)
			if p.status != http.StatusOK {
				t.Fatalf("%s: %d", path, p.status)
			}
		}
		t.Logf("%s: %d kB, %v with its reading by the test", path, size/1000, best)
		if size >= 100_000 {
			t.Errorf("%s has %d bytes", path, size)
		}
	}
	began := time.Now()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "/cnas", nil)
	w.ServeHTTP(nowhere{}, r)
	if took := time.Since(began); took > 500*time.Millisecond { // 50 ms on a quiet machine
		t.Errorf("the directory takes %v", took)
	} else {
		t.Logf("the directory takes %v", took)
	}
	p := fetch(t, w, "/responsible?vendor=adobe&product=acrobat&lang=en")
	in(t, p, "the answer", "Adobe Systems Incorporated is responsible", "psirt@adobe.com")
	if n := len(fetch(t, w, "/cnas?role=CNA").all("table.orgs tbody tr")); n < 400 {
		t.Errorf("%d CNAs", n)
	}
}

// nowhere is a reader who throws everything away.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (nowhere) WriteHeader(int)             {}
