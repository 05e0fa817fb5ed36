package web

import (
	"cmp"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/internal/catalogue"
	"tasuki/internal/query"
	"tasuki/web/layout"
)

// dims are the dimensions that the search page narrows by, in the order of the column. Each is a field of the query language
// by the same name. Shown are the values with the most records; any value works in a query.
var dims = []struct {
	name string
	open bool   // unfolded from the start
	all  string // the page that lists every value
}{
	{"severity", true, ""}, {"kev", true, ""}, {"ssvc", true, ""}, {"year", true, ""}, {"vendor", true, "/vendors"},
	{"product", true, "/products"}, {"cwe", true, "/weaknesses"}, {"assigner", true, "/assigners"}, {"state", true, ""}, {"tag", false, ""},
}

// ages are the parameters of addresses before there was a query language that meant a number of days.
var ages = []string{"published", "changed"}

// orders are the ways to sort that an address may ask for, in the order of the switch.
var orders = []struct {
	name  string
	order catalogue.Order
}{
	{"newest", catalogue.Newest}, {"oldest", catalogue.Oldest}, {"relevance", catalogue.Relevance},
	{"severity", catalogue.Severest}, {"exploited", catalogue.Exploited}, {"changed", catalogue.Touched},
}

// Bounds of what an address may ask for.
const (
	maxText   = 8000 // bytes of q; the language has its own limit, and says so
	maxValues = 20   // values of one dimension, in addresses of old
	maxDays   = 36500
	pageSize  = 25
	maxFacet  = 8 // values shown per dimension
)

// asked is a search as an address says it.
type asked struct {
	text    string
	tree    *query.Query // nil when the text cannot be read
	fault   *query.Error // why it cannot
	sort    string       // "" or a name of orders
	at      catalogue.At
	explain bool
	cursor  string
	start   int64 // number of the first row; only for show
}

// errAddress is an address that no page of ours would have asked.
var errAddress = errors.New("web: an address that means nothing")

// readAsked reads an address. old reports that it was written before there was a query language, with a parameter per
// dimension: the search is the same, and its address is now asked.url.
func readAsked(v url.Values) (a asked, old bool, err error) {
	a = asked{text: strings.TrimSpace(v.Get("q")), sort: v.Get("sort"), explain: v.Get("explain") == "1", cursor: v.Get("after"), start: 1}
	if len(a.text) > maxText || a.sort != "" && a.order() < 0 {
		return a, false, errAddress
	}
	if a.at, err = catalogue.ParseAt(v.Get("at"), v.Get("size"), v.Get("clock")); err != nil {
		return a, false, err
	}
	if a.cursor != "" {
		if n, err := strconv.ParseInt(v.Get("n"), 10, 64); err == nil && n > 0 {
			a.start = n
		}
	}
	conditions, err := oldConditions(v)
	if err != nil {
		return a, false, err
	}
	if old = len(conditions) > 0; old {
		a.text = strings.TrimSpace(a.text + " " + strings.Join(conditions, " "))
	}
	tree, err := query.Parse(a.text)
	if err == nil {
		a.tree = tree
	} else if !errors.As(err, &a.fault) {
		return a, old, err
	}
	return a, old, nil
}

// oldConditions are the conditions that an address of old held in parameters, in the query language.
func oldConditions(v url.Values) (out []string, err error) {
	for _, d := range dims {
		var values []string
		for _, value := range v[d.name] {
			if value = strings.TrimSpace(value); value != "" && !slices.Contains(values, value) {
				values = append(values, value)
			}
		}
		if len(values) > maxValues {
			return nil, errAddress
		}
		if len(values) > 0 {
			out = append(out, written(is(d.name, values...)))
		}
	}
	for _, name := range ages {
		if given := v.Get(name); given != "" {
			days, err := strconv.Atoi(given)
			if err != nil || days < 1 || days > maxDays {
				return nil, errAddress
			}
			out = append(out, name+":>"+given+"d")
		}
	}
	return out, nil
}

func (a asked) order() catalogue.Order {
	name := cmp.Or(a.sort, "newest")
	for _, o := range orders {
		if o.name == name {
			return o.order
		}
	}
	return -1
}

// catalogue is the search as the catalogue takes it, without facets. Ages count back from the moment that is looked at.
func (a asked) catalogue(now time.Time) catalogue.Query {
	q := catalogue.Query{Tree: a.tree, At: a.at, Sort: a.order(), Limit: pageSize, Cursor: a.cursor, Explain: a.explain}
	if a.at.IsZero() {
		q.Now = now
	}
	return q
}

// values are the parameters of the search at its first page.
func (a asked) values() url.Values {
	v := make(url.Values)
	when, size, clock := a.at.Params()
	for _, p := range []struct{ name, value string }{{"q", a.text}, {"sort", a.sort}, {"at", when}, {"size", size}, {"clock", clock}} {
		if p.value != "" {
			v.Set(p.name, p.value)
		}
	}
	if a.explain {
		v.Set("explain", "1")
	}
	return v
}

// url is the address of the search, at its first page.
func (a asked) url() string { return addressOf("/search", a.values()) }

func addressOf(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// with is the search for another text.
func (a asked) with(text string) asked {
	a.text = text
	return a
}

// now is the search in the list as it is now.
func (a asked) now() asked {
	a.at = catalogue.At{}
	return a
}

// kept is what a new search from the box keeps of this one.
func (a asked) kept() (fields []layout.Field) {
	v := a.values()
	for _, name := range []string{"sort", "at", "size", "clock", "explain"} {
		if value := v.Get(name); value != "" {
			fields = append(fields, layout.Field{Name: name, Value: value})
		}
	}
	return fields
}

// finds is the address of a search for text.
func finds(text string) string { return asked{text: text}.url() }
