package web

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// leading is the count that a text begins with.
func leading(t testing.TB, text string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(strings.ReplaceAll(text, ",", ""), &n); err != nil {
		t.Fatalf("no number in %q", text)
	}
	return n
}

// total is how many records a search finds.
func total(t testing.TB, h http.Handler, address string) int {
	t.Helper()
	p := fetch(t, h, address)
	if p.status != http.StatusOK {
		t.Fatalf("%s: %d", address, p.status)
	}
	return leading(t, p.one(t, "#count").words())
}

// Every figure of the first page is a search that finds as many.
func TestHomeFiguresAreSearches(t *testing.T) {
	for name, w := range map[string]*world{"many": many(t, 60), "real": load(t)} {
		h := handler(t, w)
		p := fetch(t, h, "/")
		figures, months := p.all("ul.counts a.figure"), p.all("ul.counts a.month")
		if len(figures) != 4 || len(months) != 4 || len(p.all("ul.counts svg.spark")) != 4 {
			t.Fatalf("%s: %d figures, %d months", name, len(figures), len(months))
		}
		sum := 0
		for i := range figures {
			day, month := leading(t, figures[i].words()), leading(t, months[i].words())
			if got := total(t, h, figures[i].attr["href"]); got != day {
				t.Errorf("%s: %q finds %d", name, figures[i].words(), got)
			}
			if got := total(t, h, months[i].attr["href"]); got != month {
				t.Errorf("%s: %q finds %d", name, months[i].words(), got)
			}
			sum += month
		}
		if sum == 0 {
			t.Errorf("%s: nothing ever happened", name)
		}
	}
	p := fetch(t, handler(t, many(t, 60)), "/")
	// The first is of this moment, the 25th of exactly a day ago.
	if got := leading(t, p.all("ul.counts a.figure")[0].words()); got != 24 {
		t.Errorf("%d new", got)
	}
}

// A list whose newest record is old looks back from there.
func TestHomeOfAnOldCopy(t *testing.T) {
	w := many(t, 60)
	h := handlerAt(t, w, now.AddDate(1, 0, 0))
	p := fetch(t, h, "/")
	if got := p.one(t, "#h-lately").words(); !strings.Contains(got, "21 Nov 2026") {
		t.Errorf("the figures are %q", got)
	}
	first := p.all("ul.counts a.figure")[0]
	if day := leading(t, first.words()); day != 22 || total(t, h, first.attr["href"]) != day {
		t.Errorf("%q, which finds %d", first.words(), total(t, h, first.attr["href"]))
	}
	if month := p.all("ul.counts a.month")[0]; leading(t, month.words()) != 60 || total(t, h, month.attr["href"]) != 60 {
		t.Errorf("%q", month.words())
	}
}

func TestHomeListsWhatMatters(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/")
	for _, want := range []string{"exploited", "newest"} {
		section := p.all("section.brief")
		if len(section) != 2 || len(p.all("h2#h-"+want)) != 1 {
			t.Fatalf("%d columns", len(section))
		}
	}
	for _, a := range append(p.all("p.examples a"), p.all("p.more a")...) {
		if there := fetch(t, h, a.attr["href"]); there.status != http.StatusOK {
			t.Errorf("%q leads to %d", a.words(), there.status)
		}
	}
	if fresh := p.one(t, "section.sources").words(); !strings.Contains(fresh, "CVE List") || !strings.Contains(fresh, "stale") {
		t.Errorf("sources: %s", fresh)
	}
}

func TestEmptyListSaysWhatToDo(t *testing.T) {
	h := handler(t, empty(t))
	p := fetch(t, h, "/")
	if p.status != http.StatusOK || !strings.Contains(p.one(t, "main").words(), "tasuki import cvelist") {
		t.Errorf("%d %s", p.status, p.one(t, "main").words())
	}
	for _, path := range []string{"/search", "/vendors", "/products", "/weaknesses", "/assigners", "/weaknesses/CWE-79", "/search.atom"} {
		if p := fetch(t, h, path); p.status != http.StatusOK {
			t.Errorf("%s of an empty list: %d", path, p.status)
		}
	}
}

// While the index is being read, pages that need it say so; those that do not work.
func TestWhileTheIndexIsRead(t *testing.T) {
	w := load(t)
	w.cold = true
	h := handler(t, w)
	for path, want := range map[string]int{"/": 200, "/search?q=a": 503, "/vendors": 503, "/vendors/microsoft": 503, "/search.atom": 503, "/query": 200, "/cve/CVE-2024-4879": 200,
		"/search?q=CVE-2024-4879": 303, "/search?q=vendr:x": 400, "/search/complete?q=ve&cursor=2": 200} {
		p := fetch(t, h, path)
		if p.status != want {
			t.Errorf("%s: %d, want %d", path, p.status, want)
		}
		if want == http.StatusServiceUnavailable && p.header.Get("Retry-After") == "" {
			t.Errorf("%s does not say when to come back", path)
		}
	}
	if p := fetch(t, h, "/"); !strings.Contains(p.one(t, "main").words(), "index") || strings.Contains(p.one(t, "main").words(), "import cvelist") {
		t.Errorf("the first page says %q", p.one(t, "main").words())
	}
}

// Counts in lists are what their links find, and entries lead to their pages.
func TestLists(t *testing.T) {
	h := handler(t, load(t))
	for _, k := range allLists {
		p := fetch(t, h, "/"+k.kind)
		rows := p.all("table.names tbody tr")
		if p.status != http.StatusOK || len(rows) < 3 || leading(t, p.one(t, "div.bar h2").words()) != len(rows) {
			t.Fatalf("%s: %d, %d rows under %q", k.kind, p.status, len(rows), p.one(t, "div.bar h2").words())
		}
		last := 1 << 30
		for _, r := range rows {
			var name, count *node
			r.walk(func(n *node) {
				if n.name == "a" && name == nil {
					name = n
				} else if n.name == "a" && count == nil {
					count = n
				}
			})
			n := leading(t, count.words())
			if n > last {
				t.Errorf("%s: %q with %d after %d", k.kind, name.words(), n, last)
			}
			last = n
			if got := total(t, h, count.attr["href"]); got != n {
				t.Errorf("%s: %q has %d records, its search %d", k.kind, name.words(), n, got)
			}
			one := fetch(t, h, name.attr["href"])
			if one.status != http.StatusOK || leading(t, one.one(t, "a.total").words()) != n {
				t.Errorf("%s: the page of %q: %d", k.kind, name.words(), one.status)
			}
		}
		if p := fetch(t, h, "/"+k.kind+"?q=nobodyiscalledthis"); p.status != http.StatusOK || len(p.all("table.names")) != 0 {
			t.Errorf("%s without a match: %d", k.kind, p.status)
		}
		pairs := p.all("section.pairs td a")
		if len(pairs) == 0 {
			t.Errorf("%s: no pairs", k.kind)
		}
		for _, a := range pairs {
			if got := total(t, h, a.attr["href"]); got != leading(t, a.words()) {
				t.Errorf("%s: a pair of %s finds %d", k.kind, a.words(), got)
			}
		}
	}
	if p := fetch(t, h, "/vendors?q=JUNIPER"); len(p.all("table.names tbody tr")) != 1 {
		t.Errorf("%d vendors for JUNIPER", len(p.all("table.names tbody tr")))
	}
	if p := fetch(t, h, "/weaknesses?q=use+after"); len(p.all("table.names tbody tr")) != 1 || !strings.Contains(p.one(t, "table.names").words(), "CWE-416") {
		t.Error("a weakness is not found by its name")
	}
}

func TestListsArePaged(t *testing.T) {
	h := handler(t, many(t, 120)) // 70 vendors, 120 products
	seen := make(map[string]bool)
	at, pages := "/products?sort=name", 0
	for at != "" {
		p := fetch(t, h, at)
		pages++
		for _, a := range p.all("table.names tbody th a") {
			if seen[a.words()] {
				t.Errorf("%s twice", a.words())
			}
			seen[a.words()] = true
		}
		at = ""
		for _, a := range p.all("nav.pages a") {
			if a.attr["rel"] == "next" {
				at = a.attr["href"]
			}
		}
	}
	if len(seen) != 120 || pages != 3 {
		t.Errorf("%d products on %d pages", len(seen), pages)
	}
	if p := fetch(t, h, "/products?page=99"); p.status != http.StatusOK || len(p.all("table.names tbody tr")) != 20 {
		t.Errorf("a page behind the last: %d", p.status)
	}
}

// All figures on the page of one name are searches that find as many.
func TestThePageOfOneName(t *testing.T) {
	h := handler(t, load(t))
	for path, heading := range map[string]string{"/vendors/juniper%20networks": "Juniper Networks", "/vendors/MICROSOFT": "Microsoft", "/weaknesses/CWE-416": "CWE-416", "/assigners/mitre": "mitre",
		"/products/junos%20os%20evolved": "Junos OS Evolved", "/products/juniper%20networks/junos%20os%20evolved": "Juniper Networks Junos OS Evolved"} {
		p := fetch(t, h, path)
		if p.status != http.StatusOK || p.one(t, "h1").words() != heading {
			t.Errorf("%s: %d, %q", path, p.status, p.one(t, "h1").words())
			continue
		}
		all := leading(t, p.one(t, "a.total").words())
		links := append(append(p.all("p.factline a.total"), p.all("section.top td a")...), p.all("figure.chart td a")...)
		for _, a := range links[1:] {
			text := a.words()
			if a.parent.name == "td" || a.parent.name == "th" {
				text = lastWord(a.parent.parent.words())
			}
			if got := total(t, h, a.attr["href"]); got != leading(t, text) {
				t.Errorf("%s: %q finds %d", path, text, got)
			}
		}
		severities, years := 0, 0
		for _, li := range p.all("figure.mixed li") {
			severities += leading(t, lastWord(li.words()))
		}
		for _, td := range p.all("figure.chart td") {
			years += leading(t, td.words())
		}
		if severities != all || years != all {
			t.Errorf("%s: %d records, %d by severity, %d by year", path, all, severities, years)
		}
	}
	for path, want := range map[string]int{"/vendors/nobody": 404, "/products/nobody/nothing": 404, "/weaknesses/CWE-9999999": 404, "/weaknesses/nonsense": 404, "/weaknesses/CWE-15": 200,
		"/weaknesses/cwe-79": 301, "/weaknesses/79": 301, "/vendors/a%2Fb": 404, "/vendors/a/b": 404} {
		if p := fetch(t, h, path); p.status != want {
			t.Errorf("%s: %d, want %d", path, p.status, want)
		}
	}
}

// A name of any characters has an address that leads to it.
func TestOddNames(t *testing.T) {
	for _, name := range []string{"a/b", "100%", "what?", `quo"te`, "c++", "ソフト", "a#b", "..", "*", "a,b", "(x)", "-not", "a:b"} {
		u, err := url.Parse(nameURL("vendor", name))
		if err != nil {
			t.Fatal(name, err)
		}
		if name == ".." {
			if q := u.Query().Get("q"); u.Path != "/search" || picked(parts(parsed(t, q)), "vendor")[0] != name {
				t.Errorf("%q is at %s", name, u)
			}
			continue
		}
		if rest, ok := strings.CutPrefix(u.EscapedPath(), "/vendors/"); !ok || strings.Contains(rest, "/") || u.Path != "/vendors/"+name {
			t.Errorf("%q is at %s", name, u)
		}
		nodes := parts(parsed(t, written(is("vendor", name))))
		if got := picked(nodes, "vendor"); !slices.Equal(got, []string{name}) {
			t.Errorf("%q is asked for as %q", name, got)
		}
	}
}

func TestFeed(t *testing.T) {
	h := handler(t, load(t))
	p := fetch(t, h, "/search.atom?q=kev:yes")
	if p.status != http.StatusOK || !strings.HasPrefix(p.header.Get("Content-Type"), "application/atom+xml") {
		t.Fatalf("%d %s", p.status, p.header.Get("Content-Type"))
	}
	var f struct {
		XMLName xml.Name  `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string    `xml:"id"`
		Updated time.Time `xml:"updated"`
		Entries []struct {
			ID      string    `xml:"id"`
			Title   string    `xml:"title"`
			Updated time.Time `xml:"updated"`
			Author  string    `xml:"author>name"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal([]byte(p.raw), &f); err != nil {
		t.Fatal(err)
	}
	if n := total(t, h, asks("kev:yes")); len(f.Entries) != n || f.ID != "http://localhost:8080/search.atom?q=kev%3Ayes" {
		t.Errorf("%d entries of %d, id %s", len(f.Entries), n, f.ID)
	}
	last := f.Updated
	for _, e := range f.Entries {
		if e.Updated.After(last) || e.Author == "" || !strings.HasPrefix(e.ID, "http://localhost:8080/cve/CVE-") || !strings.HasPrefix(e.Title, "CVE-") {
			t.Errorf("entry %+v after %v", e, last)
		}
		last = e.Updated
	}
	if again := fetch(t, h, "/search.atom?q=kev:yes", "If-None-Match", p.header.Get("ETag")); again.status != http.StatusNotModified {
		t.Errorf("asked again: %d", again.status)
	}
}

func TestCompletion(t *testing.T) {
	h := handler(t, load(t))
	total(t, h, "/search") // completion answers for what searches have seen
	ask := func(text string, cursor int, lang string) (c completion) {
		t.Helper()
		p := fetch(t, h, "/search/complete?"+url.Values{"q": {text}, "cursor": {fmt.Sprint(cursor)}}.Encode(), "Accept-Language", lang)
		if p.status != http.StatusOK {
			t.Fatalf("%q: %d", text, p.status)
		}
		if err := json.Unmarshal([]byte(p.raw), &c); err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := ask("vend", 4, "ja")
	if len(c.Options) == 0 || c.Options[0].Insert != "vendor:" || !strings.Contains(c.Options[0].Help, "ベンダー") || c.Start != 0 || c.End != 4 || c.Title != "入力候補" {
		t.Errorf("%+v", c)
	}
	// A cursor counts UTF-16 code units: 😀 is two of them.
	c = ask("-😀 vendor:juni", 15, "en")
	if len(c.Options) != 1 || c.Options[0].Insert != `"juniper networks"` || c.Start != 11 || c.End != 15 {
		t.Errorf("%+v", c)
	}
	for _, bad := range []string{"/search/complete", "/search/complete?q=a&cursor=x"} {
		if p := fetch(t, h, bad); p.status != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, p.status)
		}
	}
}

// FuzzUnits: a place in code units and in bytes are the same place, whatever the text.
func FuzzUnits(f *testing.F) {
	f.Add("認証 😀 vendor:", 3)
	f.Add("\xff\xfe", 1)
	f.Add("", -1)
	f.Fuzz(func(t *testing.T, text string, units int) {
		b := bytesAt(text, units)
		if b < 0 || b > len(text) {
			t.Fatalf("byte %d of %d", b, len(text))
		}
		if again := bytesAt(text, unitsAt(text, b)); again != b {
			t.Fatalf("%q, %d: byte %d, then %d", text, units, b, again)
		}
	})
}

func TestQueryHelpExamplesAreQueries(t *testing.T) {
	h := handler(t, load(t))
	for _, lang := range []string{"en", "ja"} {
		p := fetch(t, h, "/query", "Accept-Language", lang)
		links := p.all("div.queryhelp a")
		if len(links) < 40 {
			t.Errorf("only %d examples", len(links))
		}
		for _, a := range links {
			if there := fetch(t, h, a.attr["href"]); there.status != http.StatusOK && there.status != http.StatusSeeOther {
				t.Errorf("%q: %d", a.words(), there.status)
			}
		}
	}
}
