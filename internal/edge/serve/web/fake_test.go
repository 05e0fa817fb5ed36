package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/cve"
	"tasuki/web/i18n"
	"tasuki/web/severity"
)

// A fake catalogue over the real records of testdata: substring search, any-of filters, facet counts, cursors that are
// offsets. Its answers have the shape of the real one's; its speed and its ranking do not matter here.
type fake struct {
	views  []*catalogue.View
	raw    map[string]string // in lower case
	broken error
	asked  []catalogue.Query
}

var now = time.Date(2026, 11, 21, 21, 0, 10, 0, time.UTC)

func load(t testing.TB) *fake {
	t.Helper()
	files, err := filepath.Glob("testdata/records/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no records", err)
	}
	f := &fake{raw: make(map[string]string)}
	for i, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := cve.Decode(raw)
		if err != nil {
			t.Fatal(name, err)
		}
		v := &catalogue.View{ID: rec.Metadata.ID, State: rec.Metadata.State, Index: int64(i + 2), Record: rec, Logged: now.Add(-time.Hour)}
		v.Changed, _, _ = cve.ParseTime(rec.Metadata.DateUpdated)
		f.views = append(f.views, v)
		f.raw[v.ID] = strings.ToLower(string(raw))
	}
	slices.SortFunc(f.views, func(a, b *catalogue.View) int { return published(b).Compare(published(a)) })
	return f
}

func (f *fake) Get(_ context.Context, id string) (*catalogue.View, error) {
	if f.broken != nil {
		return nil, f.broken
	}
	for _, v := range f.views {
		if v.ID == id {
			return v, nil
		}
	}
	return nil, catalogue.ErrNotFound
}

func (f *fake) Versions(_ context.Context, id string) ([]catalogue.Version, error) {
	v, err := f.Get(context.Background(), id)
	if err != nil {
		return nil, err
	}
	return []catalogue.Version{
		{Index: v.Index + 40, Logged: v.Logged, Updated: v.Record.Metadata.DateUpdated, Kind: "record.imported/1"},
		{Index: v.Index, Logged: v.Logged.Add(-time.Minute), Updated: v.Record.Metadata.DatePublished, Kind: "record.imported/1"},
	}, nil
}

func (f *fake) Search(_ context.Context, q catalogue.Query) (*catalogue.Page, error) {
	f.asked = append(f.asked, q)
	if f.broken != nil {
		return nil, f.broken
	}
	p := &catalogue.Page{Facets: make(map[string][]catalogue.FacetCount), Size: 60}
	from := 0
	if q.Cursor != "" {
		var err error
		if from, err = strconv.Atoi(q.Cursor); err != nil {
			return nil, catalogue.ErrQuery
		}
	}
	for _, v := range f.views {
		h := hit(v)
		if q.Text != "" && !strings.Contains(f.raw[v.ID], strings.ToLower(q.Text)) || !accepted(v, h, q.Filters) {
			continue
		}
		for _, dim := range q.Facets {
			for _, value := range keywords(v, h, dim) {
				p.Facets[dim] = count(p.Facets[dim], value)
			}
		}
		if p.Total >= from && len(p.Hits) < q.Limit {
			p.Hits = append(p.Hits, h)
		}
		p.Total++
	}
	if end := from + len(p.Hits); end < p.Total && len(p.Hits) > 0 {
		p.Next = strconv.Itoa(end)
	}
	for _, counts := range p.Facets {
		slices.SortFunc(counts, func(a, b catalogue.FacetCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
		})
	}
	return p, nil
}

func count(counts []catalogue.FacetCount, value string) []catalogue.FacetCount {
	for i := range counts {
		if counts[i].Value == value {
			counts[i].Count++
			return counts
		}
	}
	return append(counts, catalogue.FacetCount{Value: value, Count: 1})
}

func accepted(v *catalogue.View, h catalogue.Hit, filters []catalogue.Filter) bool {
	for _, f := range filters {
		switch {
		case f.Num == "published" && h.Published.UnixMilli() < f.Min, f.Num == "changed" && v.Changed.UnixMilli() < f.Min:
			return false
		case f.Dim != "" && !slices.ContainsFunc(keywords(v, h, f.Dim), func(k string) bool { return slices.Contains(f.Values, k) }):
			return false
		}
	}
	return true
}

func keywords(v *catalogue.View, h catalogue.Hit, dim string) (out []string) {
	switch dim {
	case "state":
		return []string{string(v.State)}
	case "severity":
		if h.Score == nil {
			return []string{"unscored"}
		}
		return []string{severity.Level(h.Score.Severity)}
	case "year":
		return []string{v.ID[4:8]}
	case "assigner":
		return []string{h.Assigner}
	case "cwe":
		return h.CWE
	case "kev":
		if h.KEV != "" {
			return []string{"yes"}
		}
	case "vendor":
		for _, a := range v.Record.Containers.CNA.Affected {
			if !slices.Contains(out, strings.ToLower(a.Vendor)) {
				out = append(out, strings.ToLower(a.Vendor))
			}
		}
	}
	return out
}

func published(v *catalogue.View) time.Time {
	at, _, _ := cve.ParseTime(v.Record.Metadata.DatePublished)
	return at
}

func hit(v *catalogue.View) catalogue.Hit {
	d := describe(i18n.English, v)
	h := catalogue.Hit{ID: v.ID, State: v.State, Title: v.Record.Containers.CNA.Title, Published: published(v), Changed: v.Changed, Assigner: d.Assigner}
	if len(d.Statements) > 0 {
		h.Summary, h.Lang = firstSentence(d.Statements[0].Value), cmp.Or(d.Statements[0].Lang, "en")
	}
	for _, a := range v.Record.Containers.CNA.Affected {
		h.Products = append(h.Products, strings.TrimSpace(a.Vendor+" "+a.Product))
	}
	if len(d.Scores) > 0 {
		s := d.Scores[0]
		h.Score = &catalogue.Score{Version: s.Version, Value: s.Value, Severity: s.Level, Vector: s.Vector, Source: s.Source}
	}
	for _, w := range d.CWEs {
		if w.ID != "" && !slices.Contains(h.CWE, w.ID) {
			h.CWE = append(h.CWE, w.ID)
		}
	}
	if d.KEV != nil {
		h.KEV = d.KEV.Added
	}
	return h
}

// fakeStatus is a node of many records with a source that has gone stale.
type fakeStatus struct {
	node Node
	err  error
}

func (s *fakeStatus) Status(context.Context) (Node, error) { return s.node, s.err }

func status(f *fake) *fakeStatus {
	return &fakeStatus{node: Node{
		ListID: "9c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e0139c1f00aa5d77e013", Origin: "tasuki/9c1f00aa5d77e013/1-first",
		Records: int64(len(f.views)), Size: 60, Checkpoint: now.Add(-3 * time.Second),
		Sources: []Source{
			{Name: "CVE List", Checked: now.Add(-3 * time.Minute)},
			{Name: "KEV", Checked: now.Add(-9 * 24 * time.Hour), Stale: true},
		},
	}}
}

func handler(t testing.TB, f *fake) http.Handler {
	t.Helper()
	return Handler(Options{Catalogue: f, Status: status(f), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }, BaseURL: "http://localhost:8080"})
}

var errBroken = errors.New("disk at /secret/place")
