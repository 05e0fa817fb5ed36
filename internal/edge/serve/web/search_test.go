package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"tasuki/internal/query"
	"tasuki/web/i18n"
)

// asks is the address of a search.
func asks(text string, more ...string) string {
	v := url.Values{"q": {text}}
	for i := 0; i+1 < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return "/search?" + v.Encode()
}

// found are the ids of a page of results, in order.
func found(p *sheet) (ids []string) {
	for _, a := range p.all("ol.hits a.id") {
		ids = append(ids, a.words())
	}
	return ids
}

func TestIdentifiersOpenDirectly(t *testing.T) {
	h := handler(t, load(t))
	for typed, want := range map[string]string{
		"CVE-2024-4879": "/cve/CVE-2024-4879", " cve-2024-4879 ": "/cve/CVE-2024-4879", "cve 2024 4879": "/cve/CVE-2024-4879",
		"ＣＶＥ－２０２４－４８７９": "/cve/CVE-2024-4879", "CVE–2024–4879": "/cve/CVE-2024-4879", "CVEー2024ー4879": "/cve/CVE-2024-4879",
		"cwe-79": "/weaknesses/CWE-79", "ＣＷＥ－７９": "/weaknesses/CWE-79",
		"CVE-2024-487": "", "2024-4879": "", "CVE-2024-4879 jelly": "", "CWE-99999": "", "cwe:CWE-79": "",
	} {
		p := fetch(t, h, asks(typed))
		if got := p.header.Get("Location"); got != want {
			t.Errorf("%q goes to %q, want %q", typed, got, want)
		}
	}
	if p := fetch(t, h, asks("cve-2024-4879", "at", "2026-11-21", "clock", "source")); p.header.Get("Location") != "/cve/CVE-2024-4879?at=2026-11-21&clock=source" {
		t.Errorf("the moment is lost: %q", p.header.Get("Location"))
	}
	if p := fetch(t, h, "/cve/cve-2024-4879"); p.status != http.StatusMovedPermanently || p.header.Get("Location") != "/cve/CVE-2024-4879" {
		t.Errorf("a lower-case id: %d to %q", p.status, p.header.Get("Location"))
	}
}

func TestSearchPage(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, asks("severity:(critical, high) kev:yes"))
	rows := p.all("ol.hits li")
	if len(rows) == 0 || p.one(t, "#count").words() != fmt.Sprintf("%d records", len(rows)) {
		t.Fatalf("%d rows under %q", len(rows), p.one(t, "#count").words())
	}
	for _, row := range rows {
		text := row.words()
		if !strings.Contains(text, "CVE-") || !strings.Contains(text, "KEV") || !strings.Contains(text, "Critical · CVSS") && !strings.Contains(text, "High · CVSS") {
			t.Errorf("row cannot be judged: %s", text)
		}
	}
	var without []string
	for _, a := range p.all("ul.chips a") {
		u, err := url.Parse(a.attr["href"])
		if err != nil {
			t.Fatal(err)
		}
		without = append(without, u.Query().Get("q"))
	}
	if want := []string{"severity:high kev:yes", "severity:critical kev:yes", "severity:critical,high"}; !slices.Equal(without, want) {
		t.Errorf("taking a chip off leads to %q, want %q", without, want)
	}
}

// A facet's links are queries that a reader could have typed, and its counts are what they find.
func TestFacetsAreQueries(t *testing.T) {
	h := handler(t, load(t))
	for _, text := range []string{"", "severity:(critical, high)", "authentication OR kev:yes", "year>=2023 vendor:*a*", "tag:disputed OR severity:critical", "cwe:79"} {
		p := fetch(t, h, asks(text))
		on := 0
		for _, a := range p.all("details.facet li a") {
			there := fetch(t, h, a.attr["href"])
			if there.status != http.StatusOK {
				t.Fatalf("%q, %q: %d", text, a.words(), there.status)
			}
			if a.attr["aria-current"] != "" {
				on++
				continue // leads to the search without it
			}
			if len(picked(parts(parsed(t, text)), dimOf(a))) > 0 {
				continue // widens the choice
			}
			if got := strings.Fields(there.one(t, "#count").words())[0]; got != lastWord(a.words()) {
				t.Errorf("%q, %q finds %s", text, a.words(), got)
			}
		}
		want := map[string]int{"severity:(critical, high)": 2, "cwe:79": 1}[text]
		if on != want {
			t.Errorf("%q: %d values are on, want %d", text, on, want)
		}
	}
}

// dimOf is the dimension of the facet that a link stands in.
func dimOf(a *node) string {
	for a.name != "details" {
		a = a.parent
	}
	return a.attr["data-dim"]
}

func parsed(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestRefining(t *testing.T) {
	for _, tc := range []struct{ text, field, value, want string }{
		{"", "vendor", "microsoft", "vendor:microsoft"},
		{"vendor:microsoft", "vendor", "microsoft", ""},
		{"vendor:Microsoft kev:yes", "vendor", "microsoft", "kev:yes"},
		{"vendor:a", "vendor", "b", "vendor:a,b"},
		{"vendor:(a, b, c) x", "vendor", "b", "vendor:a,c x"},
		{"state:published", "state", "REJECTED", "state:published,rejected"},
		{"cwe:79 x", "cwe", "CWE-79", "x"},
		{"a OR b", "product", "windows server 2019", `(a OR b) product:"windows server 2019"`},
		{"vendor:mic*", "vendor", "microsoft", "vendor:mic* vendor:microsoft"},
		{"-vendor:microsoft", "vendor", "cisco", "-vendor:microsoft vendor:cisco"},
		{"year>=2020", "year", "2024", "year>=2020 year:2024"},
		{"", "product", `it's "odd", (really)*`, ""},
	} {
		nodes := parts(parsed(t, tc.text))
		got := toggled(nodes, tc.field, tc.value)
		if tc.want != "" && got != tc.want || tc.want == "" && tc.text != "" && got != "" {
			t.Errorf("%q with %s %q: %q, want %q", tc.text, tc.field, tc.value, got, tc.want)
		}
		// What is switched on and off again is the query as it was.
		if back := toggled(parts(parsed(t, got)), tc.field, tc.value); !slices.Contains(picked(nodes, tc.field), tc.value) && tc.want != "" && len(picked(nodes, tc.field)) == 0 && back != parsed(t, tc.text).String() {
			t.Errorf("%q and back is %q", tc.text, back)
		}
	}
}

func TestAFaultIsPointedAt(t *testing.T) {
	h := handler(t, load(t))
	for _, tc := range []struct{ text, before, bad, try string }{
		{"vendr:microsoft kev:yes", "", "vendr", "vendor:microsoft kev:yes"},
		{"認証 severity:hgih", "認証 severity:", "hgih", "認証 severity:high"},
		{"vendor:microsoft (kev:yes", "vendor:microsoft ", "(kev:yes", "vendor:microsoft (kev:yes)"},
	} {
		for _, lang := range []string{"en", "ja"} {
			p := fetch(t, h, asks(tc.text), "Accept-Language", lang)
			if p.status != http.StatusBadRequest || p.one(t, "#q").attr["value"] != tc.text {
				t.Errorf("%q: %d, the box holds %q", tc.text, p.status, p.one(t, "#q").attr["value"])
			}
			asked := p.one(t, "p.asked code")
			if got := asked.children[0].text; asked.children[0].name == "" && got != tc.before {
				t.Errorf("%q is cut after %q", tc.text, got)
			}
			if got := p.one(t, "mark").words(); got != tc.bad {
				t.Errorf("%q: points at %q, want %q", tc.text, got, tc.bad)
			}
			tries := p.all("ul.tries a")
			if len(tries) == 0 || tries[0].words() != tc.try {
				t.Errorf("%q: offers %d", tc.text, len(tries))
			} else if there := fetch(t, h, tries[0].attr["href"]); there.status != http.StatusOK {
				t.Errorf("%q: %d", tries[0].words(), there.status)
			}
			column := fmt.Sprint(len([]rune(tc.before)) + 1)
			if why := p.one(t, "p.why"); !strings.Contains(why.words(), column) || why.attr["lang"] != "" {
				t.Errorf("%q: %q (%s)", tc.text, why.words(), why.attr["lang"])
			}
		}
	}
}

// Each kind of error has its words, and the words need nothing that it lacks.
func TestFaultsHaveWords(t *testing.T) {
	seen := make(map[string]bool)
	for _, text := range []string{"vendr:x", "severity:", "a OR", "severity:bad", "published:tomorrow", "cvss:x", "cvss:11", "cvss:9..1", "vendor>3", "vendor:(a b)", "id:x",
		"cwe:x", "vector:x", "*a*", "?", ")", "(a", "()", `"a`, strings.Repeat("a", 3000), strings.Repeat("a ", 100), strings.Repeat("(", 40) + "a", "\xff", "「a", "a」",
		"kev:9..1", "cvss>(1, 2)", "published:2024-02-30", "tag:", "a AND", "NOT", "-", "title:?", "kev>yes", "severity>unscored", `""`, "vendor:*\x00"} {
		_, err := query.Parse(text)
		e, ok := err.(*query.Error) //nolint:errorlint // Parse gives no other
		if !ok {
			continue
		}
		seen[e.Code] = true
		for _, l := range i18n.Languages {
			f := fault(l, asked{text: text, fault: e})
			if f.Language != "" || strings.Contains(f.Message, "%!") || f.Before+f.Bad+f.After != text {
				t.Errorf("%.40q (%s) in %s: %q", text, e.Code, l, f.Message)
			}
		}
	}
	if len(seen) < 20 {
		t.Errorf("only %d kinds of error: %v", len(seen), seen)
	}
}

func TestPagesFollowOneAnother(t *testing.T) {
	h := handler(t, many(t, 60))
	at, rows, pages := asks("state:published"), 0, 0
	for at != "" {
		p := fetch(t, h, at)
		list := p.one(t, "ol.hits")
		if got, want := list.attr["start"], fmt.Sprint(rows+1); got != want {
			t.Errorf("page %d starts at %s, want %s", pages, got, want)
		}
		rows += len(p.all("ol.hits li"))
		pages++
		at = ""
		for _, a := range p.all("nav.pages a") {
			if a.attr["rel"] == "next" {
				at = a.attr["href"]
			}
		}
		if pages > 1 && !strings.Contains(p.one(t, "nav.pages").words(), "First") {
			t.Error("no way back to the first page")
		}
	}
	if want := fetch(t, h, asks("state:published")).one(t, "#count").words(); rows != 60 || want != fmt.Sprintf("%d records", rows) {
		t.Errorf("%d rows on %d pages of %s", rows, pages, want)
	}
}

func TestBadSearchesAreRefused(t *testing.T) {
	h := handler(t, load(t))
	many := make(url.Values)
	for i := range maxValues + 1 {
		many.Add("vendor", fmt.Sprint("v", i))
	}
	for _, path := range []string{"/search?sort=random", "/search?published=-1", "/search?published=x", "/search?changed=99999999", "/search?after=nonsense",
		asks(strings.Repeat("a", 9000)), asks(strings.Repeat("a", 3000)), "/search?" + many.Encode(), "/search?at=yesterday", "/search?size=-1", "/search?size=999999",
		"/search?clock=wall&at=2024-01-01", "/vendors?page=0", "/vendors?page=x", "/products?sort=random", "/search.atom?q=vendr:x", "/search.atom?sort=random"} {
		if p := fetch(t, h, path); p.status != http.StatusBadRequest {
			t.Errorf("%.60s: %d", path, p.status)
		}
	}
}

// Addresses that were written before there was a query language lead to the same search.
func TestOldAddresses(t *testing.T) {
	h := handler(t, load(t))
	for old, want := range map[string]string{
		"/search?q=authentication&severity=critical&severity=high&kev=yes&sort=oldest": asks("authentication severity:critical,high kev:yes", "sort", "oldest"),
		"/search?state=REJECTED":                 asks("state:rejected"),
		"/search?published=7":                    asks("published:>7d"),
		"/search?vendor=juniper+networks&cwe=79": asks(`vendor:"juniper networks" cwe:CWE-79`),
	} {
		p := fetch(t, h, old)
		if got := p.header.Get("Location"); p.status != http.StatusMovedPermanently || got != want {
			t.Errorf("%s: %d to %q, want %q", old, p.status, got, want)
		} else if there := fetch(t, h, got); there.status != http.StatusOK {
			t.Errorf("%s: %d", got, there.status)
		}
	}
}

func TestAsOf(t *testing.T) {
	w := load(t)
	h := handler(t, w)
	// CVE-2024-4879 was heard of a day before the others, then without its score.
	p := fetch(t, h, asks("", "at", "2026-11-20"))
	if got := found(p); !slices.Equal(got, []string{"CVE-2024-4879"}) {
		t.Errorf("on the day before: %q", got)
	}
	if text := p.one(t, "p.moment").words(); !strings.Contains(text, "2026-11-20") {
		t.Errorf("the page says %q", text)
	}
	if now := fetch(t, h, p.all("p.moment a")[0].attr["href"]); len(found(now)) != len(w.views) || len(now.all("p.moment")) != 0 {
		t.Errorf("back to now: %d records", len(found(now)))
	}
	kept := make(map[string]string)
	for _, in := range p.all("header form.find input") {
		kept[in.attr["name"]] = in.attr["value"]
	}
	if kept["at"] != "2026-11-20" {
		t.Errorf("a new search from the box forgets the day: %v", kept)
	}
	if p := fetch(t, h, asks("", "at", "2026-11-01")); len(found(p)) != 0 || !strings.Contains(p.one(t, "p.moment").words(), "nothing yet") {
		t.Errorf("before the beginning: %q", found(p))
	}
	if p := fetch(t, h, asks("", "size", "2")); !strings.Contains(p.one(t, "p.moment").words(), "first 2 of") {
		t.Errorf("by size: %q", p.one(t, "p.moment").words())
	}
	// By the source's dates the rejected record was there long before this list.
	if p := fetch(t, h, asks("state:published", "at", "2024-07-30", "clock", "source")); len(found(p)) == 0 {
		t.Error("nothing by the source's clock")
	}
}

func TestExplanation(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, asks("vendor:microsoft OR -kev:yes severity>=high", "explain", "1"))
	text := p.one(t, "section.explain").words()
	for _, want := range []string{"vendor:microsoft", "NOT", "severity>=high", "all of its parts", "any of its parts"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if rows := p.all("section.explain tbody tr"); len(rows) != 6 {
		t.Errorf("%d parts", len(rows))
	}
	if p := fetch(t, h, asks("kev:yes")); len(p.all("section.explain")) != 0 {
		t.Error("explained without being asked")
	}
}

func TestNothingFoundSaysWhatToTry(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, asks("kev:yes nothingmatchesthis"))
	if tries := p.all("ul.tries a"); len(found(p)) != 0 || len(tries) != 2 || tries[0].words() != "kev:yes" {
		t.Fatalf("%d rows, %d tries", len(found(p)), len(p.all("ul.tries a")))
	}
	if there := fetch(t, h, p.all("ul.tries a")[0].attr["href"]); len(found(there)) == 0 {
		t.Error("what it says to try finds nothing")
	}
}

func TestExportsAreOfTheSameSearch(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, asks("kev:yes", "sort", "severity"))
	var links []string
	for _, a := range p.all("p.exports a") {
		links = append(links, a.attr["href"])
	}
	for _, want := range []string{"/search.atom?q=kev%3Ayes", "/api/v1/export?q=kev%3Ayes&sort=severity", "/api/v1/search?q=kev%3Ayes&sort=severity"} {
		if !slices.Contains(links, want) {
			t.Errorf("no %s in %q", want, links)
		}
	}
}

func TestOrders(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, asks("state:published", "sort", "severity"))
	last := 11.0
	for _, b := range p.all("ol.hits span.sev b") {
		var score float64
		if _, err := fmt.Sscan(b.words(), &score); err != nil || score > last {
			t.Fatalf("%v after %v (%v)", score, last, err)
		}
		last = score
	}
	var days []string
	for _, b := range fetch(t, h, asks("kev:yes", "sort", "exploited")).all("ol.hits span.kev b") {
		days = append(days, b.attr["title"])
	}
	if len(days) < 3 || !slices.IsSortedFunc(days, func(a, b string) int { return strings.Compare(b, a) }) {
		t.Errorf("exploited since %q", days)
	}
	has := func(text, name string) bool {
		return slices.ContainsFunc(fetch(t, h, asks(text)).all("div.bar span.switch a"), func(a *node) bool { return strings.Contains(a.attr["href"], "sort="+name) })
	}
	if !has("jelly", "relevance") || has("kev:yes", "relevance") || has("-jelly", "relevance") {
		t.Error("relevance is offered where there is nothing to be relevant to, or not where there is")
	}
}
