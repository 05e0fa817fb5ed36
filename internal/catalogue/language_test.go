package catalogue_test

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/gate/gatetest"
	"tasuki/internal/query"
	"tasuki/internal/store"
	"tasuki/internal/store/storetest"
)

// asked is when queries are asked: shortly after the newest record of the sample.
var asked = time.Date(2024, 10, 25, 9, 30, 0, 0, time.UTC)

func tree(t testing.TB, text string) *query.Query {
	t.Helper()
	q, err := query.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// listOfSample is a list that holds the sample, imported as a new list's first import.
func listOfSample(t *testing.T, db *store.DB) *gatetest.World {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "cmd", "tasuki", "sample", "cve5-sample-500.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var raws [][]byte
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, raw)
	}
	w := gatetest.New(t, db)
	w.Import(t, raws...)
	return w
}

// Through the log, on either engine, the queries of testdata/queries.tsv find as many records as its first column says: those
// that the scan of tree_test.go finds.
func TestQueriesOnEitherEngine(t *testing.T) {
	raw, err := os.ReadFile("testdata/queries.tsv")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := listOfSample(t, db)
		for l := range strings.Lines(string(raw)) {
			f := strings.Split(l, "\t")
			p, err := w.Catalogue.Search(t.Context(), catalogue.Query{Tree: tree(t, f[1]), Now: asked})
			if err != nil {
				t.Fatal(err)
			}
			if strconv.Itoa(p.Total) != f[0] {
				t.Errorf("%s: %d records, want %s", f[1], p.Total, f[0])
			}
		}
	})
}

func TestSeriesFacetsAndRelevanceOfATree(t *testing.T) {
	w := listOfSample(t, storetest.Open(t, storetest.SQLite(t)))
	year := func(y int) int64 { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() }
	p, err := w.Catalogue.Search(t.Context(), catalogue.Query{Tree: tree(t, "vendor:microsoft,adobe severity:high,critical (windows OR code)"), Now: asked,
		Facets: []string{"vendor", "severity"}, Limit: 5, Sort: catalogue.Relevance,
		Series: []catalogue.Series{{Num: "published", Edges: []int64{year(1990), year(2020), year(2023), year(2024), year(2030)}}, {Num: "score", Edges: []int64{0, 70, 90, 101}}}})
	if err != nil {
		t.Fatal(err)
	}
	for i, bins := range p.Series {
		sum := 0
		for _, n := range bins {
			sum += n
		}
		if sum != p.Total || len(bins) != []int{4, 3}[i] || sum == 0 {
			t.Errorf("series %d: %v of %d hits", i, bins, p.Total)
		}
	}
	if p.Series[1][0] != 0 {
		t.Errorf("scores below 7 among severity>=high: %v", p.Series[1])
	}
	// What is chosen in a list does not empty the list: other vendors are counted as if none were chosen.
	has := func(facet, value string) bool {
		return slices.ContainsFunc(p.Facets[facet], func(c catalogue.FacetCount) bool { return c.Value == value })
	}
	if !has("vendor", "apple") && !has("vendor", "linux") || !has("severity", "medium") {
		t.Errorf("vendors %v, severities %v", p.Facets["vendor"], p.Facets["severity"])
	}
	if len(p.Hits) != 5 {
		t.Fatalf("%d hits", len(p.Hits))
	}
	// Words of a tree weigh as the same words given apart from it do; what is negated does not weigh.
	order := func(q catalogue.Query) (ids []string) {
		q.Sort, q.Limit, q.Now = catalogue.Relevance, 50, asked
		p, err := w.Catalogue.Search(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p.Hits {
			ids = append(ids, h.ID)
		}
		return ids
	}
	apart := order(catalogue.Query{Text: "openssl memory", Filters: []catalogue.Filter{{Dim: "kev", Values: []string{"yes"}, Not: true}}})
	if got := order(catalogue.Query{Tree: tree(t, "openssl memory -kev:yes -nosuchword")}); !slices.Equal(got, apart) || len(got) < 2 {
		t.Errorf("by relevance %v, want %v", got, apart)
	}
	if _, err := w.Catalogue.Search(t.Context(), catalogue.Query{Series: []catalogue.Series{{Num: "nonsense"}}}); err == nil {
		t.Error("a series of no number was answered")
	}
}

func TestExplain(t *testing.T) {
	w := listOfSample(t, storetest.Open(t, storetest.SQLite(t)))
	text := "vendor:microsoft (overflow OR id:CVE-2014-*) -kev:"
	p, err := w.Catalogue.Search(t.Context(), catalogue.Query{Tree: tree(t, text), Now: asked, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	e := p.Explanation
	if want := "vendor:microsoft AND (overflow OR id:CVE-2014-*) AND NOT kev:yes"; e.Read != want {
		t.Errorf("read as %s, want %s", e.Read, want)
	}
	want := []catalogue.ExplainedNode{
		{Text: "vendor:microsoft (overflow OR id:CVE-2014-*) -kev:yes", Index: "both", Depth: 0},
		{Text: "vendor:microsoft", Index: "keyword vendor", Depth: 1},
		{Text: "overflow OR id:CVE-2014-*", Index: "either", Depth: 1},
		{Text: "overflow", Index: "words", Depth: 2},
		{Text: "id:CVE-2014-*", Index: "identifiers", Depth: 2},
		{Text: "-kev:yes", Index: "not", Depth: 1},
		{Text: "kev:yes", Index: "keyword kev, number kevadded", Depth: 2},
	}
	if len(e.Nodes) != len(want) {
		t.Fatalf("%d nodes", len(e.Nodes))
	}
	for i, n := range e.Nodes {
		alone, err := w.Catalogue.Search(t.Context(), catalogue.Query{Tree: tree(t, n.Text), Now: asked})
		if err != nil {
			t.Fatal(err)
		}
		if n.Text != want[i].Text || n.Index != want[i].Index || n.Depth != want[i].Depth || n.Hits != alone.Total {
			t.Errorf("node %d is %+v; alone it finds %d; want %+v", i, n, alone.Total, want[i])
		}
	}
	if got := text[e.Nodes[2].Span.Start:e.Nodes[2].Span.End]; got != "(overflow OR id:CVE-2014-*)" {
		t.Errorf("the span of the second condition is %s", got)
	}
}

// What may follow where the text has its ¦: the first options, with their counts.
func TestComplete(t *testing.T) {
	w := listOfSample(t, storetest.Open(t, storetest.SQLite(t)))
	if err := w.Catalogue.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func(text string) int {
		p, err := w.Catalogue.Search(t.Context(), catalogue.Query{Tree: tree(t, text), Now: asked})
		if err != nil {
			t.Fatal(err)
		}
		return p.Total
	}
	for _, tc := range []struct {
		text string
		want []string // the first options
		with string   // the query whose total is the count of the first one
	}{
		{"sev¦", []string{"severity:", "severity>=", "severity<="}, ""},
		{"cvss¦", []string{"cvss:", "cvss>=", "cvss<=", "cvss2:", "cvss3:", "cvss4:"}, ""},
		{"linux and ven¦", []string{"vendor:"}, ""},
		{"vendor:mi¦", []string{"microsoft"}, "vendor:microsoft"},
		{"severity:critical vendor:mi¦ kev:no", []string{"microsoft"}, "severity:critical vendor:microsoft kev:no"},
		{"vendor:hat¦", []string{`"red hat"`}, `vendor:"red hat"`},
		{`vendor:"red h¦`, []string{`"red hat"`}, `vendor:"red hat"`},
		{"micros¦", []string{"vendor:microsoft"}, "vendor:microsoft"},
		{"vendor:microsoft product:windows_1¦", []string{"windows_10"}, "vendor:microsoft product:windows_10"},
		{"severity:¦", []string{"none", "low", "medium", "high", "critical", "unscored"}, ""},
		{"state:rej¦", []string{"rejected"}, "state:rejected"},
		{"cwe:79¦", []string{"CWE-79"}, "cwe:79"},
		{"cwe:cross-site¦", []string{"CWE-79"}, "cwe:79"},
		{"assigner:git¦", []string{"GitHub_M", "GitLab"}, "assigner:github_m"},
		{"source:cisa¦", []string{"cisa-adp"}, "source:cisa-adp"},
		{"ref:pat¦", []string{"patch"}, "ref:patch"},
		{"has:wo¦", []string{"workaround"}, "has:workaround"},
		{"year:199¦", []string{"1999"}, "year:1999"},
		{"id:2014-04¦", []string{"CVE-2014-0497"}, ""},
		{"CVE-2014-04¦", []string{"id:CVE-2014-0497"}, ""},
		{"published:¦", []string{">7d", ">30d", ">1y", "today", "yesterday"}, ""},
		{"published:2024-1¦", []string{"2024-10", "2024-11", "2024-12"}, ""},
		{"published>=to¦", []string{"today"}, ""},
		{"kev:¦", []string{"yes", "no", ">7d"}, ""},
		{"title:x¦", nil, ""},
		{`"any words¦`, nil, ""},
	} {
		text := strings.Replace(tc.text, "¦", "", 1)
		c, err := w.Catalogue.Complete(t.Context(), text, strings.Index(tc.text, "¦"), 20)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
			continue
		}
		var got []string
		for _, o := range c.Options[:min(len(c.Options), max(1, len(tc.want)))] {
			got = append(got, o.Insert)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", tc.text, got, tc.want)
			continue
		}
		if tc.with != "" && c.Options[0].Count != count(tc.with) {
			t.Errorf("%s: %d, but %s finds %d", tc.text, c.Options[0].Count, tc.with, count(tc.with))
		}
		for _, o := range c.Options { // whatever is chosen can be read, once a value stands behind a sign
			filled := text[:c.Span.Start] + o.Insert + text[c.Span.End:]
			if o.Field == nil || strings.HasSuffix(o.Insert, ":") || strings.HasSuffix(o.Insert, "=") {
				continue
			}
			if _, err := query.Parse(filled); err != nil {
				t.Errorf("%s: chosen, %s: %v", tc.text, filled, err)
			}
		}
	}
	if c, err := w.Catalogue.Complete(t.Context(), "cwe:79", 6, 1); err != nil || len(c.Options) != 1 || !strings.Contains(c.Options[0].Label, "Cross-site Scripting") {
		t.Errorf("%+v %v", c, err)
	}
}
