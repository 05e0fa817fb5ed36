package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/internal/query"
	"tasuki/web/chart"
	"tasuki/web/i18n"
	"tasuki/web/lists"
	"tasuki/web/search"
)

// What the page of one name shows.
const (
	onEntry = 8 // records in each of its columns
	onTop   = 8 // names of each dimension beside it
)

// listOne answers the page of one name of a list, or of a product of one vendor.
func (s *server) listOne(k list) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name, vendor := r.PathValue("name"), r.PathValue("vendor")
		if canonical := canonicalCWE(name); k.dim == "cwe" && canonical != name && commonName(k, canonical) != "" {
			http.Redirect(w, r, nameURL(k.dim, canonical), http.StatusMovedPermanently)
			return
		}
		p, node := s.Page(w, r)
		v := lists.One{Page: p, Kind: k.kind, Name: name, Note: commonName(k, name)}
		if s.warming() {
			w.Header().Set("Retry-After", "5")
			s.Send(w, r, http.StatusServiceUnavailable, lists.IndexBody(lists.Index{Page: p, Kind: k.kind, Warming: true}))
			return
		}
		nodes := []query.Node{is(k.dim, name)}
		if vendor != "" {
			nodes = append([]query.Node{is("vendor", vendor)}, nodes...)
		}
		known, err := s.fillEntry(r.Context(), &v, node, k, nodes)
		if err != nil {
			s.Fail(w, r, err)
			return
		}
		if !known {
			s.sendIndex(w, r, http.StatusNotFound, k, name, "", 1)
			return
		}
		s.Send(w, r, http.StatusOK, lists.OneBody(v))
	}
}

// fillEntry asks all about one name. It reports whether the name is known: from a record, or from the standard that lists it.
func (s *server) fillEntry(ctx context.Context, v *lists.One, node page.Node, k list, nodes []query.Node) (known bool, err error) {
	l := v.Page.Lang
	all, err := s.namesOf(ctx, k.dim, node.Size)
	if err != nil {
		return false, err
	}
	text := written(nodes...)
	others := slices.DeleteFunc([]string{"product", "vendor", "cwe", "assigner"}, func(dim string) bool { _, c := chosen(nodes, dim); return c != nil })
	page, err := s.ask(ctx, text, func(q *catalogue.Query) {
		q.Limit, q.Top, q.Facets = onEntry, onTop, append([]string{"severity", "kev"}, others...)
		q.Series = []catalogue.Series{byYear(all.years[0], all.years[1])}
	})
	var unreadable *query.Error
	if errors.As(err, &unreadable) {
		return false, nil // no name of this kind is written so
	}
	if err != nil {
		return false, err
	}
	if page.Total == 0 && !(k.dim == "cwe" && commonName(k, v.Name) != "") {
		return false, nil
	}
	severest, err := s.ask(ctx, text, func(q *catalogue.Query) { q.Limit, q.Sort = onEntry, catalogue.Severest })
	if err != nil {
		return false, err
	}
	v.Total, v.Find, v.Feed = int64(page.Total), finds(text), addressOf("/search.atom", url.Values{"q": {text}})
	if k.dim == "assigner" && s.Authority != nil {
		v.Org = cnaURL(v.Name)
	}
	v.Newest = search.Column{Hits: hits(l, page.Hits), More: v.Find}
	v.Severest = search.Column{Hits: hits(l, severest.Hits), More: asked{text: text, sort: "severity"}.url()}
	more := func(n query.Node) string { return finds(written(append(slices.Clone(nodes), n)...)) }
	v.Mix = mix(page.Facets["severity"], func(level string) string { return more(is("severity", level)) })
	for _, f := range page.Facets["kev"] {
		if f.Value == "yes" {
			v.Facts = append(v.Facts, lists.Fact{Label: l.T("dim.kev"), N: int64(f.Count), Href: more(is("kev", "yes"))})
		}
	}
	if len(page.Series) > 0 {
		v.Over = l.T("lists.peryear")
		v.Years = years(page.Series[0], all.years[0], func(year string) string { return finds(text + " published:" + year) })
	}
	for _, dim := range others {
		if t := top(l, nodes, dim, page.Facets[dim]); len(t.Rows) > 0 {
			v.Tops = append(v.Tops, t)
		}
	}
	v.Name = s.spelt(ctx, k, v.Name, page.Hits)
	if _, c := chosen(nodes, "vendor"); c != nil && k.dim == "product" {
		v.Name = s.spelt(ctx, allLists[0], c.Values[0].Text, page.Hits) + " " + v.Name
	}
	v.Page.Title = strings.TrimSpace(v.Name + " " + v.Note)
	return true, nil
}

// years are the bars of a chart; a year in five is named below its bar, and the first and last.
func years(series []int, first int, href func(year string) string) (bins []chart.Bin) {
	for i, n := range series {
		year := first + i
		b := chart.Bin{Label: strconv.Itoa(year), N: int64(n), Href: href(strconv.Itoa(year))}
		last := first + len(series) - 1
		if i == 0 || year == last || year%5 == 0 && i > 2 && last-year > 2 {
			b.Tick = b.Label
		}
		bins = append(bins, b)
	}
	return bins
}

func top(l i18n.Lang, nodes []query.Node, dim string, counted []catalogue.FacetCount) lists.Top {
	t := lists.Top{Label: l.T("lists.top." + dim)}
	most := 1
	for _, f := range counted {
		most = max(most, f.Count)
	}
	for _, f := range counted {
		href := nameURL(dim, f.Value)
		if _, c := chosen(nodes, "vendor"); dim == "product" && c != nil && !strings.Contains(href, "?") {
			href = "/products/" + url.PathEscape(c.Values[0].Text) + "/" + url.PathEscape(f.Value)
		}
		t.Rows = append(t.Rows, lists.TopRow{Label: label(l, dim, f.Value), Href: href, N: int64(f.Count), Share: max(1, 100*f.Count/most),
			Find: finds(written(append(slices.Clone(nodes), is(dim, f.Value))...))})
	}
	return t
}

// spelt is a name as the newest of its records writes it: the index knows vendors and products in lower case only.
func (s *server) spelt(ctx context.Context, k list, name string, hits []catalogue.Hit) string {
	if len(hits) == 0 || k.dim != "vendor" && k.dim != "product" {
		return name
	}
	view, err := s.Catalogue.Get(ctx, hits[0].ID)
	if err != nil {
		return name // it was erased just now
	}
	for _, p := range parties(view.Record) {
		for i := range p.Affected {
			a := &p.Affected[i]
			for _, given := range map[string][]string{"vendor": {a.Vendor}, "product": {a.Product, a.PackageName}}[k.dim] {
				if given = strings.Join(strings.Fields(given), " "); strings.EqualFold(given, name) {
					return given
				}
			}
		}
	}
	return name
}
