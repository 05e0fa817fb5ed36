package web

import (
	"cmp"
	"context"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/edge/serve/page"
	"tasuki/spec/cwe"
	"tasuki/web/chart"
	"tasuki/web/i18n"
	"tasuki/web/lists"
	"tasuki/web/search"
)

// A list is one of the lists of names: its address and the dimension it lists. Beside is the dimension that its table of pairs
// sets it against.
type list struct{ kind, dim, beside string }

var allLists = []list{
	{"vendors", "vendor", "cwe"}, {"products", "product", "cwe"}, {"weaknesses", "cwe", "vendor"}, {"assigners", "assigner", "cwe"},
}

// of finds the list of a dimension; ok is false for a dimension without one.
func listOf(dim string) (list, bool) {
	for _, k := range allLists {
		if k.dim == dim {
			return k, true
		}
	}
	return list{}, false
}

// What a page of a list shows.
const (
	onList      = 50
	pairRows    = 10
	pairColumns = 8
	pairValues  = 500  // so many values of a row are looked through for the columns
	firstYear   = 1988 // no record is older
	fewestYears = 10   // a line of fewer small bars would look like more than it is
)

// standing is what the pages of lists share and need not ask for each time: the names of a dimension with their counts, most
// frequent first, and the years that the list covers. It stands as long as the log does not grow.
type standing struct {
	mu    sync.Mutex
	names map[string]names
}

type names struct {
	size  int64
	list  []catalogue.FacetCount
	years []int // first and last; of all records
}

// namesOf are the names of a dimension, for a log of at least size leaves.
func (s *server) namesOf(ctx context.Context, dim string, size int64) (names, error) {
	s.standing.mu.Lock()
	defer s.standing.mu.Unlock()
	if n, ok := s.standing.names[dim]; ok && n.size >= size {
		return n, nil
	}
	last := s.Now().UTC().Year()
	page, err := s.ask(ctx, "", func(q *catalogue.Query) {
		q.Facets, q.Top = []string{dim}, math.MaxInt32
		q.Series = []catalogue.Series{byYear(firstYear, last)}
	})
	if err != nil {
		return names{}, err
	}
	n := names{size: page.Size, list: page.Facets[dim], years: []int{last - fewestYears + 1, last}}
	if len(page.Series) > 0 {
		if i := slices.IndexFunc(page.Series[0], func(n int) bool { return n > 0 }); i >= 0 {
			n.years[0] = min(n.years[0], firstYear+i)
		}
	}
	if s.standing.names == nil {
		s.standing.names = make(map[string]names)
	}
	s.standing.names[dim] = n
	return n, nil
}

// byYear counts publications from the first year to the last.
func byYear(first, last int) catalogue.Series {
	c := catalogue.Series{Num: "published"}
	for year := first; year <= last+1; year++ {
		c.Edges = append(c.Edges, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	}
	return c
}

// listIndex answers a page of a list.
func (s *server) listIndex(k list) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v := r.URL.Query()
		number, sort := 1, v.Get("sort")
		if given := v.Get("page"); given != "" {
			n, err := strconv.Atoi(given)
			if err != nil || n < 1 || n > math.MaxInt32/onList {
				s.Refuse(w, r, queryProblem)
				return
			}
			number = n
		}
		if sort != "" && sort != "name" && sort != "count" {
			s.Refuse(w, r, queryProblem)
			return
		}
		s.sendIndex(w, r, http.StatusOK, k, strings.TrimSpace(v.Get("q")), sort, number)
	}
}

func (s *server) sendIndex(w http.ResponseWriter, r *http.Request, status int, k list, part, sort string, number int) {
	p, node := s.Page(w, r)
	p.Title = p.Lang.T("lists." + k.kind)
	v := lists.Index{Page: p, Kind: k.kind, Query: part}
	if v.Warming = s.warming(); v.Warming {
		w.Header().Set("Retry-After", "5")
		s.Send(w, r, http.StatusServiceUnavailable, lists.IndexBody(v))
		return
	}
	if err := s.fillIndex(r.Context(), &v, node, k, sort, number); err != nil {
		s.Fail(w, r, err)
		return
	}
	s.Send(w, r, status, lists.IndexBody(v))
}

func (s *server) fillIndex(ctx context.Context, v *lists.Index, node page.Node, k list, sort string, number int) error {
	l := v.Page.Lang
	n, err := s.namesOf(ctx, k.dim, node.Size)
	if err != nil {
		return err
	}
	found := matching(k, n.list, v.Query)
	if sort == "name" {
		found = slices.SortedFunc(slices.Values(found), func(a, b catalogue.FacetCount) int { return byName(k, a.Value, b.Value) })
	}
	here := func(sort string, number int) string {
		q := make(url.Values)
		for name, value := range map[string]string{"q": v.Query, "sort": sort} {
			if value != "" {
				q.Set(name, value)
			}
		}
		if number > 1 {
			q.Set("page", strconv.Itoa(number))
		}
		return addressOf("/"+k.kind, q)
	}
	number = min(number, max(1, (len(found)+onList-1)/onList))
	from := (number - 1) * onList
	to := min(from+onList, len(found))
	v.Total, v.From = len(found), from+1
	v.Sorts = []search.Choice{
		{Label: l.T("lists.bycount"), Href: here("", 1), Now: sort != "name"}, {Label: l.T("lists.byname"), Href: here("name", 1), Now: sort == "name"},
	}
	if number > 1 {
		v.Prev = here(sort, number-1)
	}
	if to < len(found) {
		v.Next = here(sort, number+1)
	}
	paired := number == 1 && v.Query == "" && sort != "name"
	pairs := &lists.Pairs{Title: l.T("lists.pairs." + k.kind), Rowed: l.T("dim." + k.dim), Headed: l.T("dim." + k.beside)}
	if paired {
		beside, err := s.namesOf(ctx, k.beside, node.Size)
		if err != nil {
			return err
		}
		for _, c := range beside.list[:min(len(beside.list), pairColumns)] {
			pairs.Columns = append(pairs.Columns, lists.Cell{Label: c.Value, Title: label(l, k.beside, c.Value), Href: nameURL(k.beside, c.Value)})
		}
	}
	for i, f := range found[from:to] {
		counted, err := s.ask(ctx, written(is(k.dim, f.Value)), func(q *catalogue.Query) {
			q.Facets, q.Series = []string{"severity"}, []catalogue.Series{byYear(n.years[0], n.years[1])}
			if paired && i < pairRows {
				q.Facets, q.Top = append(q.Facets, k.beside), pairValues
			}
		})
		if err != nil {
			return err
		}
		v.Rows = append(v.Rows, row(l, k, f, counted, n.years))
		if paired && i < pairRows {
			pairs.Rows = append(pairs.Rows, pairRow(l, k, f.Value, pairs.Columns, counted.Facets[k.beside]))
		}
	}
	if paired && len(pairs.Columns) > 0 && len(pairs.Rows) > 1 {
		toned(pairs.Rows)
		v.Pairs = pairs
	}
	return nil
}

// matching are the names that hold part, whatever the letter case; of a weakness also what it is called.
func matching(k list, all []catalogue.FacetCount, part string) []catalogue.FacetCount {
	if part == "" {
		return all
	}
	part = strings.ToLower(part)
	var out []catalogue.FacetCount
	for _, f := range all {
		if strings.Contains(strings.ToLower(f.Value), part) || k.dim == "cwe" && strings.Contains(strings.ToLower(commonName(k, f.Value)), part) {
			out = append(out, f)
		}
	}
	return out
}

// byName compares names as a reader looks for them: weaknesses by number.
func byName(k list, a, b string) int {
	if k.dim == "cwe" {
		x, _ := cwe.ParseID(a)
		y, _ := cwe.ParseID(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	}
	return cmp.Or(cmp.Compare(strings.ToLower(a), strings.ToLower(b)), cmp.Compare(a, b))
}

func commonName(k list, value string) string {
	if e, ok := cwe.Lookup(value); ok && k.dim == "cwe" {
		return e.Name
	}
	return ""
}

func row(l i18n.Lang, k list, f catalogue.FacetCount, page *catalogue.Page, years []int) lists.Row {
	r := lists.Row{Name: f.Value, Note: commonName(k, f.Value), Href: nameURL(k.dim, f.Value), N: int64(f.Count), Find: finds(written(is(k.dim, f.Value))),
		Mix: mix(page.Facets["severity"], func(string) string { return "" })}
	if len(page.Series) > 0 {
		r.Years = counts(page.Series[0])
		r.Span = l.T("lists.span", f.Value, strconv.Itoa(years[0]), strconv.Itoa(years[1]))
	}
	return r
}

// mix is a count of severities, the most severe first; href is the address of a level's search.
func mix(counted []catalogue.FacetCount, href func(level string) string) (m chart.Mix) {
	values := slices.Clone(counted)
	bySeverity(values)
	for _, v := range values {
		m = append(m, chart.Level{Level: v.Value, N: int64(v.Count), Href: href(v.Value)})
	}
	return m
}

func pairRow(l i18n.Lang, k list, value string, columns []lists.Cell, counted []catalogue.FacetCount) lists.PairRow {
	r := lists.PairRow{Head: lists.Cell{Label: value, Title: label(l, k.dim, value), Href: nameURL(k.dim, value)}}
	for _, c := range columns {
		cell := lists.Cell{Href: finds(written(is(k.dim, value), is(k.beside, c.Label)))}
		if i := slices.IndexFunc(counted, func(f catalogue.FacetCount) bool { return f.Value == c.Label }); i >= 0 {
			cell.N = int64(counted[i].Count)
		}
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// toned gives each count its tone: a quarter of the largest one is one step.
func toned(rows []lists.PairRow) {
	most := int64(1)
	for _, r := range rows {
		for _, c := range r.Cells {
			most = max(most, c.N)
		}
	}
	for _, r := range rows {
		for i := range r.Cells {
			if n := r.Cells[i].N; n > 0 {
				r.Cells[i].Tone = int((4*n + most - 1) / most)
			}
		}
	}
}

// nameURL is the page of one name, or its search where no address could hold the name.
func nameURL(dim, value string) string {
	k, ok := listOf(dim)
	if !ok || value == "." || value == ".." {
		return finds(written(is(dim, value)))
	}
	return "/" + k.kind + "/" + url.PathEscape(value)
}
