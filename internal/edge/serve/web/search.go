package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/query"
	"tasuki/web/i18n"
	"tasuki/web/layout"
	"tasuki/web/search"
	"tasuki/web/severity"
)

// search is the page of results. An id in the box opens its page at once, and an address of old becomes one of today.
func (s *server) search(w http.ResponseWriter, r *http.Request) {
	a, old, err := readAsked(r.URL.Query())
	switch {
	case errors.Is(err, errAddress), errors.Is(err, catalogue.ErrAt):
		s.Refuse(w, r, queryProblem)
		return
	case err != nil:
		s.Fail(w, r, err)
		return
	case old:
		http.Redirect(w, r, a.url(), http.StatusMovedPermanently)
		return
	}
	if place, isID := opens(a); isID {
		s.Preferences(w, r)
		http.Redirect(w, r, place, http.StatusSeeOther)
		return
	}
	p, _ := s.Page(w, r)
	p.Query = a.text
	p.Title = cmp.Or(a.text, p.Lang.T("search.title"))
	p.Focus = len(r.URL.RawQuery) == 0
	p.Keep = a.kept()
	p.Feed = addressOf("/search.atom", url.Values{"q": {a.text}})
	v := search.View{Page: p}
	if a.fault != nil {
		v.Fault = fault(p.Lang, a)
		s.Send(w, r, http.StatusBadRequest, search.Body(v))
		return
	}
	if s.warming() {
		w.Header().Set("Retry-After", "5")
		v.Warming = true
		s.Send(w, r, http.StatusServiceUnavailable, search.Body(v))
		return
	}
	began := s.Now()
	c := a.catalogue(began)
	c.Top = maxFacet
	for _, d := range dims {
		c.Facets = append(c.Facets, d.name)
	}
	page, err := s.Catalogue.Search(r.Context(), c)
	if err != nil {
		if errors.Is(err, catalogue.ErrQuery) || errors.Is(err, catalogue.ErrAt) {
			s.Refuse(w, r, queryProblem)
			return
		}
		s.Fail(w, r, err)
		return
	}
	s.fill(&v, a, page, s.Now().Sub(began))
	s.Send(w, r, http.StatusOK, search.Body(v))
}

// fill is the view of an answer.
func (s *server) fill(v *search.View, a asked, page *catalogue.Page, took time.Duration) {
	l := v.Page.Lang
	v.Total, v.From, v.Took, v.Size = int64(page.Total), a.start, took, page.Size
	v.Hits, v.Chips, v.Facets, v.Sorts = hits(l, page.Hits), chips(l, a), facets(l, a, page.Facets), sorts(l, a)
	v.AsOf, v.Exports, v.Explain = asOf(l, a, page.Moment), exports(l, a), explained(l, a, page.Explanation)
	if a.cursor != "" {
		v.First = a.url()
	}
	if page.Next != "" {
		there := a.values()
		there.Set("after", page.Next)
		there.Set("n", strconv.FormatInt(a.start+int64(len(page.Hits)), 10))
		v.Next = addressOf("/search", there)
	}
	if len(page.Hits) == 0 {
		v.Try = instead(a)
	}
}

// warming reports whether searches would wait for the index to be read.
func (s *server) warming() bool {
	c, ok := s.Catalogue.(interface{ Ready() (bool, int64) })
	if !ok {
		return false
	}
	ready, _ := c.Ready()
	return !ready
}

// opens is the page that an identifier in the box means: a record, or a weakness. A search by other means has none.
func opens(a asked) (place string, ok bool) {
	if id, isID := readID(a.text); isID {
		return "/cve/" + id + address(a.at), true
	}
	if id, isID := readCWE(a.text); isID && a.at.IsZero() {
		return "/weaknesses/" + id, true
	}
	return "", false
}

// fault cuts the query where it cannot be read, says why, and links what may have been meant.
func fault(l i18n.Lang, a asked) *search.Fault {
	e := a.fault
	start := min(max(e.Start, 0), len(a.text))
	end := min(max(e.End, start), len(a.text))
	f := &search.Fault{Before: a.text[:start], Bad: a.text[start:end], After: a.text[end:], Message: e.Message}
	if key := "query.error." + e.Code; i18n.Has(key) {
		f.Message = l.T("query.error."+e.Code, arguments(e)...)
	} else if l != i18n.English {
		f.Language = string(i18n.English)
	}
	for _, t := range e.Suggest {
		text := a.text[:start] + t.Text + a.text[end:]
		f.Try = append(f.Try, search.Choice{Label: text, Href: a.with(text).url()})
	}
	return f
}

// arguments are what the messages are filled with: the position in characters, the field or word that it is about, and the
// values that it may have.
func arguments(e *query.Error) []any {
	subject, values := "", ""
	if len(e.Args) > 0 {
		subject = e.Args[0]
		if f, ok := query.Lookup(subject); ok {
			values = strings.Join(f.Values(), ", ")
		}
	}
	return []any{strconv.Itoa(e.Column), subject, values}
}

func sorts(l i18n.Lang, a asked) (choices []search.Choice) {
	now := cmp.Or(a.sort, "newest")
	for _, o := range orders {
		switch {
		case o.name == now:
		case o.name == "relevance" && (!hasWords(a.tree.Root) || !a.at.IsZero()):
			continue // nothing to be relevant to; and the past is not ranked
		}
		there := a
		there.sort = o.name
		choices = append(choices, search.Choice{Label: l.T("search." + o.name), Href: there.url(), Now: o.name == now})
	}
	return choices
}

func hasWords(n query.Node) bool {
	switch n := n.(type) {
	case *query.Words:
		return true
	case *query.And:
		return slices.ContainsFunc(n.Nodes, hasWords)
	case *query.Or:
		return slices.ContainsFunc(n.Nodes, hasWords)
	case *query.Cond:
		return n.Field.Kind == query.Zone
	}
	return false
}

// levels is the order of severities in their facet, whatever their counts.
var levels = []string{"critical", "high", "medium", "low", "none", "unscored"}

func facets(l i18n.Lang, a asked, counted map[string][]catalogue.FacetCount) (fs []search.Facet) {
	nodes := parts(a.tree)
	for _, d := range dims {
		values, on := slices.Clone(counted[d.name]), picked(nodes, d.name)
		switch d.name {
		case "severity":
			bySeverity(values)
		case "year":
			values = values[:min(len(values), maxFacet)]
			slices.SortStableFunc(values, func(a, b catalogue.FacetCount) int { return cmp.Compare(b.Value, a.Value) })
		}
		values = shown(d.name, on, values)
		if len(values) == 0 || len(values) == 1 && len(on) == 0 && d.name == "state" {
			continue
		}
		most := 1
		for _, v := range values {
			most = max(most, v.Count)
		}
		f := search.Facet{Dim: d.name, Label: l.T("dim." + d.name), Open: d.open || len(on) > 0, All: d.all}
		for _, v := range values {
			shape := ""
			if d.name == "severity" {
				shape = severity.Level(v.Value)
			}
			f.Values = append(f.Values, search.FacetValue{
				Label: label(l, d.name, v.Value), Shape: shape, Count: int64(v.Count), Share: max(1, 100*v.Count/most),
				Href: a.with(toggled(nodes, d.name, v.Value)).url(), On: isOn(d.name, on, v.Value),
			})
		}
		fs = append(fs, f)
	}
	return fs
}

func bySeverity(values []catalogue.FacetCount) {
	slices.SortStableFunc(values, func(a, b catalogue.FacetCount) int {
		return cmp.Compare(slices.Index(levels, a.Value), slices.Index(levels, b.Value))
	})
}

func isOn(dim string, on []string, value string) bool {
	return slices.ContainsFunc(on, func(v string) bool { return same(dim, v, value) })
}

// shown cuts a facet to what fits, but never hides a value that is chosen.
func shown(dim string, on []string, values []catalogue.FacetCount) []catalogue.FacetCount {
	kept := values[:min(len(values), maxFacet)]
	for _, v := range on {
		is := func(c catalogue.FacetCount) bool { return same(dim, v, c.Value) }
		if slices.ContainsFunc(kept, is) {
			continue
		}
		c := catalogue.FacetCount{Value: v}
		if i := slices.IndexFunc(values, is); i >= 0 {
			c = values[i]
		}
		kept = append(slices.Clip(kept), c)
	}
	return kept
}

// asOf is the choice of a moment, and what the moment shown means.
func asOf(l i18n.Lang, a asked, m *catalogue.Moment) search.AsOf {
	when, _, clock := a.at.Params()
	there := a.now()
	v := search.AsOf{Source: clock != ""}
	if len(when) >= len(time.DateOnly) {
		v.Day = when[:len(time.DateOnly)]
	}
	for name, values := range there.values() {
		v.Keep = append(v.Keep, layout.Field{Name: name, Value: values[0]})
	}
	slices.SortFunc(v.Keep, func(a, b layout.Field) int { return cmp.Compare(a.Name, b.Name) })
	if m == nil {
		return v
	}
	v.Now = there.url()
	switch {
	case a.at.Size > 0:
		v.Text = l.T("search.asof.size", l.Count(m.Size), l.Count(m.Head))
	case v.Source:
		v.Text = l.T("search.asof.clock.source", readable(a.at.Time))
	case m.Size == 0:
		v.Text = l.T("search.asof.before", readable(a.at.Time), readable(m.First))
	default:
		v.Text = l.T("search.asof.clock.log", readable(a.at.Time), l.Count(m.Size), l.Count(m.Head))
	}
	return v
}

// readable is a moment as tables write it: a day where it is the end of one.
func readable(t time.Time) string {
	if day, _, _ := (catalogue.At{Time: t}).Params(); len(day) == len(time.DateOnly) {
		return day
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// exports are the same records for programs.
func exports(l i18n.Lang, a asked) []search.Choice {
	v := a.values()
	v.Del("explain")
	feed := url.Values{"q": {a.text}}
	return []search.Choice{
		{Label: l.T("search.export.atom"), Href: addressOf("/search.atom", feed)},
		{Label: l.T("search.export.ndjson"), Href: addressOf("/api/v1/export", v)},
		{Label: l.T("search.export.api"), Href: addressOf("/api/v1/search", v)},
	}
}

func explained(l i18n.Lang, a asked, e *catalogue.Explanation) search.Explain {
	there := a
	there.explain = !a.explain
	v := search.Explain{Href: there.url(), On: e != nil}
	if e == nil {
		return v
	}
	v.Read, v.Took = e.Read, e.Took
	for _, n := range e.Nodes {
		v.Nodes = append(v.Nodes, search.ExplainNode{Text: n.Text, Index: indexName(l, n.Index), Depth: n.Depth, Hits: int64(n.Hits)})
	}
	return v
}

// indexName says which indexes answered a part: "keyword kev, number kevadded" names a kind and a dimension each.
func indexName(l i18n.Lang, served string) string {
	var out []string
	for one := range strings.SplitSeq(served, ", ") {
		kind, name, _ := strings.Cut(one, " ")
		kind = strings.TrimSuffix(strings.Replace(kind, "words", "word", 1), "s")
		if i18n.Has("index." + kind) {
			one = strings.TrimSpace(l.T("index."+kind) + " " + strings.TrimPrefix(strings.TrimPrefix(name, "of zones "), "of zone "))
		}
		out = append(out, one)
	}
	return strings.Join(out, l.T("list.comma"))
}

// instead are searches to try where nothing was found: the same one with one part less, widest first by what is left out last.
func instead(a asked) (out []search.Choice) {
	nodes := parts(a.tree)
	if len(nodes) < 2 {
		return nil
	}
	const most = 4
	for i := len(nodes) - 1; i >= 0 && len(out) < most; i-- {
		text := written(slices.Delete(slices.Clone(nodes), i, i+1)...)
		out = append(out, search.Choice{Label: text, Href: a.with(text).url()})
	}
	return out
}

// ask answers a search that a page is made of.
func (s *server) ask(ctx context.Context, text string, change func(*catalogue.Query)) (*catalogue.Page, error) {
	tree, err := query.Parse(text)
	if err != nil {
		return nil, err
	}
	q := catalogue.Query{Tree: tree, Now: s.Now()}
	change(&q)
	return s.Catalogue.Search(ctx, q)
}
