package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"tasuki/internal/catalogue"
	"tasuki/web/i18n"
	"tasuki/web/layout"
	"tasuki/web/search"
	"tasuki/web/severity"
)

// search is the page of results. An id in the box opens its record at once.
func (s *server) search(w http.ResponseWriter, r *http.Request) {
	q, ok := readQuery(r.URL.Query())
	if !ok {
		s.refuse(w, r, queryProblem)
		return
	}
	if id, isID := readID(q.text); isID {
		s.preferences(w, r)
		http.Redirect(w, r, "/cve/"+id, http.StatusSeeOther)
		return
	}
	began := s.Now()
	page, err := s.Catalogue.Search(r.Context(), q.catalogue(began))
	if err != nil {
		if errors.Is(err, catalogue.ErrQuery) {
			s.refuse(w, r, queryProblem)
			return
		}
		s.fail(w, r, err)
		return
	}
	p, _ := s.page(w, r)
	p.Query = q.text
	p.Title = cmp.Or(q.text, p.Lang.T("search.title"))
	p.Focus = len(r.URL.RawQuery) == 0
	p.Keep = kept(q)
	v := search.View{
		Page: p, Total: int64(page.Total), From: q.start, Took: s.Now().Sub(began), Size: page.Size,
		Hits: hits(p.Lang, page.Hits), Chips: chips(p.Lang, q), Facets: facets(p.Lang, q, page.Facets), Sorts: sorts(p.Lang, q),
	}
	if q.cursor != "" {
		v.First = q.url()
	}
	if page.Next != "" {
		v.Next = next(q, page)
	}
	s.send(w, r, http.StatusOK, search.Body(v))
}

// next is the address of the following page: where this one ended, and the number of its first row.
func next(q query, page *catalogue.Page) string {
	u := q.url()
	sep := "?"
	if strings.Contains(u, "?") {
		sep = "&"
	}
	return u + sep + url.Values{"after": {page.Next}, "n": {strconv.FormatInt(q.start+int64(len(page.Hits)), 10)}}.Encode()
}

// kept is what a new search from the box keeps of this one.
func kept(q query) (fields []layout.Field) {
	for _, d := range dims {
		for _, value := range q.values[d.name] {
			fields = append(fields, layout.Field{Name: d.name, Value: value})
		}
	}
	for _, name := range recent {
		if days := q.days[name]; days > 0 {
			fields = append(fields, layout.Field{Name: name, Value: strconv.Itoa(days)})
		}
	}
	if q.sort != "" {
		fields = append(fields, layout.Field{Name: "sort", Value: q.sort})
	}
	return fields
}

func chips(l i18n.Lang, q query) (chips []search.Chip) {
	if q.text != "" {
		bare := q
		bare.text = ""
		chips = append(chips, search.Chip{Label: l.T("search.words"), Value: q.text, Without: bare.url()})
	}
	for _, d := range dims {
		for _, value := range q.values[d.name] {
			chips = append(chips, search.Chip{Label: l.T("dim." + d.name), Value: label(l, d.name, value), Without: q.with(d.name, value).url()})
		}
	}
	for _, name := range recent {
		if days := q.days[name]; days > 0 {
			chips = append(chips, search.Chip{Label: l.T("dim." + name), Value: l.N("search.last", int64(days)), Without: q.without(name).url()})
		}
	}
	return chips
}

func sorts(l i18n.Lang, q query) (choices []search.Choice) {
	now := cmp.Or(q.sort, "newest")
	for _, name := range []string{"newest", "oldest", "relevance"} {
		if name == "relevance" && q.text == "" {
			continue // nothing to be relevant to
		}
		there := q
		there.sort = name
		choices = append(choices, search.Choice{Label: l.T("search." + name), Href: there.url(), Now: name == now})
	}
	return choices
}

// levels is the order of severities in their facet, whatever their counts.
var levels = []string{"critical", "high", "medium", "low", "none", "unscored"}

func facets(l i18n.Lang, q query, counted map[string][]catalogue.FacetCount) (fs []search.Facet) {
	for _, d := range dims {
		values := slices.Clone(counted[d.name])
		switch d.name {
		case "severity":
			slices.SortStableFunc(values, func(a, b catalogue.FacetCount) int {
				return cmp.Compare(slices.Index(levels, a.Value), slices.Index(levels, b.Value))
			})
		case "year":
			values = values[:min(len(values), maxFacet)]
			slices.SortStableFunc(values, func(a, b catalogue.FacetCount) int { return cmp.Compare(b.Value, a.Value) })
		}
		values = shown(q.values[d.name], values)
		if len(values) == 0 || len(values) == 1 && len(q.values[d.name]) == 0 && d.name == "state" {
			continue
		}
		most := 1
		for _, v := range values {
			most = max(most, v.Count)
		}
		f := search.Facet{Dim: d.name, Label: l.T("dim." + d.name), Open: d.open || len(q.values[d.name]) > 0}
		for _, v := range values {
			shape := ""
			if d.name == "severity" {
				shape = severity.Level(v.Value)
			}
			f.Values = append(f.Values, search.FacetValue{
				Label: label(l, d.name, v.Value), Shape: shape, Count: int64(v.Count), Share: max(1, 100*v.Count/most),
				Href: q.with(d.name, v.Value).url(), On: slices.Contains(q.values[d.name], v.Value),
			})
		}
		fs = append(fs, f)
	}
	return fs
}

// shown cuts a facet to what fits, but never hides a value that is chosen.
func shown(chosen []string, values []catalogue.FacetCount) []catalogue.FacetCount {
	kept := values[:min(len(values), maxFacet)]
	for _, v := range chosen {
		if slices.ContainsFunc(kept, func(c catalogue.FacetCount) bool { return c.Value == v }) {
			continue
		}
		n := 0
		if i := slices.IndexFunc(values, func(c catalogue.FacetCount) bool { return c.Value == v }); i >= 0 {
			n = values[i].Count
		}
		kept = append(slices.Clip(kept), catalogue.FacetCount{Value: v, Count: n})
	}
	return kept
}

func hits(l i18n.Lang, found []catalogue.Hit) []search.Hit {
	rows := make([]search.Hit, len(found))
	for i, h := range found {
		summary, lang := h.Summary, tagged(l, h.Lang)
		if h.Title != "" {
			summary, lang = h.Title, otherLanguage(l, h.Title)
		}
		rows[i] = search.Hit{
			ID: h.ID, Products: products(h.Products), Summary: summary, Language: lang, Score: score(h.Score),
			CWE: h.CWE, KEV: h.KEV, State: string(h.State), Published: h.Published, Changed: h.Changed, Assigner: h.Assigner,
		}
	}
	return rows
}

// products joins the first products of a record and counts the rest.
func products(names []string) string {
	const most = 3
	if len(names) > most {
		return strings.Join(names[:most], " · ") + " +" + strconv.Itoa(len(names)-most)
	}
	return strings.Join(names, " · ")
}

func score(s *catalogue.Score) *severity.Score {
	if s == nil {
		return nil
	}
	return &severity.Score{Version: s.Version, Value: s.Value, Level: severity.Level(s.Severity), Vector: s.Vector, Source: s.Source}
}

// otherLanguage guesses the language of a text that comes without a tag, for its lang attribute: kana or Han make it
// Japanese, everything else in this field is English. It is "" when it is the page's own.
func otherLanguage(l i18n.Lang, text string) string {
	of := i18n.English
	if strings.ContainsFunc(text, func(c rune) bool { return unicode.In(c, unicode.Hiragana, unicode.Katakana, unicode.Han) }) {
		of = i18n.Japanese
	}
	if of == l {
		return ""
	}
	return string(of)
}
