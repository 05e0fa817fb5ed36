package web

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/spec/cwe"
	"tasuki/web/i18n"
	"tasuki/web/severity"
)

// dims are the dimensions that the search page narrows by, in the order of the column. Shown are the values with the
// most records; any value works in an address.
var dims = []struct {
	name string
	open bool // unfolded from the start
}{
	{"severity", true}, {"kev", true}, {"ssvc", true}, {"year", true}, {"vendor", true}, {"product", true},
	{"cwe", true}, {"assigner", true}, {"state", true}, {"tag", false},
}

// recent are the numeric dimensions that an address may narrow to the last days: published=7.
var recent = []string{"published", "changed"}

// Bounds of what an address may ask for.
const (
	maxQuery  = 500 // characters in the box
	maxValues = 20  // values of one dimension
	maxDays   = 36500
	pageSize  = 25
	maxFacet  = 8 // values shown per dimension
)

// query is a search as an address says it.
type query struct {
	text   string
	values map[string][]string
	days   map[string]int
	sort   string // "", newest, oldest, relevance
	cursor string
	start  int64 // number of the first row; only for show
}

// readQuery reads an address. ok is false for what no page of ours would have asked.
func readQuery(v url.Values) (q query, ok bool) {
	q = query{text: strings.TrimSpace(v.Get("q")), values: make(map[string][]string), days: make(map[string]int), sort: v.Get("sort"), cursor: v.Get("after"), start: 1}
	if len([]rune(q.text)) > maxQuery || !slices.Contains([]string{"", "newest", "oldest", "relevance"}, q.sort) {
		return q, false
	}
	for _, d := range dims {
		for _, value := range v[d.name] {
			if value = strings.TrimSpace(value); value != "" && !slices.Contains(q.values[d.name], value) {
				q.values[d.name] = append(q.values[d.name], value)
			}
		}
		if len(q.values[d.name]) > maxValues {
			return q, false
		}
	}
	for _, name := range recent {
		if given := v.Get(name); given != "" {
			days, err := strconv.Atoi(given)
			if err != nil || days < 1 || days > maxDays {
				return q, false
			}
			q.days[name] = days
		}
	}
	if q.cursor != "" {
		if n, err := strconv.ParseInt(v.Get("n"), 10, 64); err == nil && n > 0 {
			q.start = n
		}
	}
	return q, true
}

// catalogue is the search as the catalogue takes it.
func (q query) catalogue(now time.Time) catalogue.Query {
	c := catalogue.Query{Text: q.text, Limit: pageSize, Cursor: q.cursor, Top: maxFacet}
	switch q.sort {
	case "oldest":
		c.Sort = catalogue.Oldest
	case "relevance":
		c.Sort = catalogue.Relevance
	default:
		c.Sort = catalogue.Newest
	}
	for _, d := range dims {
		c.Facets = append(c.Facets, d.name)
		if values := q.values[d.name]; len(values) > 0 {
			c.Filters = append(c.Filters, catalogue.Filter{Dim: d.name, Values: values})
		}
	}
	for _, name := range recent {
		if days := q.days[name]; days > 0 {
			c.Filters = append(c.Filters, since(name, now, days))
		}
	}
	return c
}

// since narrows a time to the last days before now.
func since(num string, now time.Time, days int) catalogue.Filter {
	return catalogue.Filter{Num: num, Min: now.AddDate(0, 0, -days).UnixMilli(), Max: math.MaxInt64}
}

// url is the address of the search, at its first page.
func (q query) url() string {
	v := make(url.Values)
	if q.text != "" {
		v.Set("q", q.text)
	}
	for dim, values := range q.values {
		if len(values) > 0 {
			v[dim] = values
		}
	}
	for name, days := range q.days {
		v.Set(name, strconv.Itoa(days))
	}
	if q.sort != "" {
		v.Set("sort", q.sort)
	}
	if len(v) == 0 {
		return "/search"
	}
	return "/search?" + v.Encode()
}

// with is the search with one value more or, when it is there already, one less.
func (q query) with(dim, value string) query {
	values := make(map[string][]string, len(q.values)+1)
	for d, vs := range q.values {
		values[d] = vs
	}
	if i := slices.Index(values[dim], value); i >= 0 {
		values[dim] = slices.Delete(slices.Clone(values[dim]), i, i+1)
	} else {
		values[dim] = append(slices.Clone(values[dim]), value)
	}
	q.values = values
	return q
}

// without is the search with a time limit taken off.
func (q query) without(name string) query {
	days := make(map[string]int, len(q.days))
	for n, d := range q.days {
		if n != name {
			days[n] = d
		}
	}
	q.days = days
	return q
}

// label says a value of a dimension in the reader's language.
func label(l i18n.Lang, dim, value string) string {
	switch dim {
	case "severity":
		return l.T("severity." + severity.Level(value))
	case "kev":
		if value == "yes" {
			return l.T("value.yes")
		}
	case "ssvc":
		if i18n.Has("value." + value) {
			return l.T("value." + value)
		}
	case "state":
		if i18n.Has("state." + value) {
			return l.T("state." + value)
		}
	case "tag":
		if i18n.Has("tag." + value) {
			return strings.TrimRight(l.T("tag."+value), ".。")
		}
	case "cwe":
		if e, ok := cwe.Lookup(value); ok {
			return value + " " + e.Name
		}
	}
	return value
}
