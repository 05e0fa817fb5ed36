package native

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

// list is one of the lists of names: its path, the dimension behind it and the field that asks for it.
type list struct {
	path, one, dim string
	also           []string // dimensions that a single name is told with
}

var lists = []list{
	{"vendors", "vendor", "vendor", []string{"product", "cwe", "assigner"}},
	{"products", "product", "product", []string{"vendor", "cwe", "assigner"}},
	{"weaknesses", "weakness", "cwe", []string{"vendor", "product", "assigner"}},
	{"assigners", "assigner", "assigner", []string{"vendor", "product", "cwe"}},
}

func (a *api) listOperations() {
	for _, l := range lists {
		get(a, operation{id: "list-" + l.path, path: l.path, tag: "lists", summary: "List " + l.path,
			text: "With how many records name each, the most frequent first."}, func(ctx context.Context, in *namesInput) (*of[client.Names], error) {
			return a.names(ctx, l, in)
		})
		get(a, operation{id: "get-" + l.one, path: l.path + "/{name}", tag: "lists", summary: "Get one of the " + l.path,
			text: "Its records counted by state, severity and year, and what they mostly have in common."}, func(ctx context.Context, in *nameInput) (*of[client.Named], error) {
			return a.named(ctx, l, in.Name)
		})
	}
	get(a, operation{id: "get-statistics", path: "stats", tag: "lists", summary: "Count records",
		text: "Of the whole list or of what a query finds, now or as known at a moment."}, a.stats)
}

type namesInput struct {
	Q      string `query:"q" doc:"Only of records that this query finds."`
	Prefix string `query:"prefix" doc:"Only names that begin so, whatever the letter case." example:"jet"`
	Limit  int    `query:"limit" doc:"Names per page." minimum:"1" maximum:"1000" default:"100"`
	Cursor string `query:"cursor" doc:"next of the page before."`
}

// allNames is more than any dimension has.
const allNames = 1 << 24

// namesCursor says how many names were given already, for the same question. Counts move between pages as the log grows; a
// name may then be seen twice or not at all, which a list by frequency cannot help.
const namesCursor = "names:"

func (a *api) names(ctx context.Context, l list, in *namesInput) (*of[client.Names], error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	from, err := readOffset(in.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := a.find(ctx, catalogue.Query{Tree: tree, Facets: []string{l.dim}, Top: allNames})
	if err != nil {
		return nil, err
	}
	all := page.Facets[l.dim]
	if in.Prefix != "" {
		prefix := strings.ToLower(in.Prefix)
		var kept []catalogue.FacetCount
		for _, v := range all {
			if strings.HasPrefix(strings.ToLower(v.Value), prefix) {
				kept = append(kept, v)
			}
		}
		all = kept
	}
	from = min(from, len(all))
	to := min(from+in.Limit, len(all))
	out := client.Names{Items: countsOf(all[from:to]), Total: len(all), Size: page.Size}
	if to < len(all) {
		out.Next = base64.RawURLEncoding.EncodeToString(strconv.AppendInt([]byte(namesCursor), int64(to), 10))
	}
	return reply(out)
}

func readOffset(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	text, ok := strings.CutPrefix(string(raw), namesCursor)
	n, nerr := strconv.Atoi(text)
	if err != nil || nerr != nil || !ok || n < 0 {
		return 0, refuse(codeCursor, "That is no cursor of a list of names.")
	}
	return n, nil
}

type nameInput struct {
	Name string `path:"name" doc:"The name as the list has it." example:"jetbrains"`
}

func (a *api) named(ctx context.Context, l list, name string) (*of[client.Named], error) {
	switch l.dim {
	case "vendor", "product":
		name = strings.ToLower(name)
	case "cwe":
		name = strings.ToUpper(name)
	}
	q := catalogue.Query{Filters: []catalogue.Filter{{Dim: l.dim, Values: []string{name}}}, Top: 10,
		Facets: append([]string{"state", "severity", "kev"}, l.also...)}
	page, err := a.counted(ctx, &q)
	if err != nil {
		return nil, err
	}
	if page.Total == 0 {
		return nil, refuse(codeNoName, "No record names "+strconv.Quote(name)+".")
	}
	out := client.Named{Name: name, Query: l.dim + ":" + query.Quote(name), Total: page.Total, Size: page.Size, Exploited: sum(page.Facets["kev"]),
		States: countsOf(page.Facets["state"]), Severities: countsOf(page.Facets["severity"]), Years: yearsOf(page, q)}
	for _, dim := range l.also {
		counts := countsOf(page.Facets[dim])
		switch dim {
		case "vendor":
			out.Vendors = counts
		case "product":
			out.Products = counts
		case "cwe":
			out.Weaknesses = counts
		case "assigner":
			out.Assigners = counts
		}
	}
	return reply(out)
}

func sum(counts []catalogue.FacetCount) (n int) {
	for _, c := range counts {
		n += c.Count
	}
	return n
}

// firstYear is before any record; the list of the year 1999 holds what was published before.
const firstYear = 1980

// counted searches with a count per year of publication.
func (a *api) counted(ctx context.Context, q *catalogue.Query) (*catalogue.Page, error) {
	series := catalogue.Series{Num: "published"}
	for y := firstYear; y <= a.Now().Year()+1; y++ {
		series.Edges = append(series.Edges, time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	}
	q.Series = []catalogue.Series{series}
	return a.find(ctx, *q)
}

// yearsOf reads the counts per year, from the first year with a record to the last.
func yearsOf(page *catalogue.Page, q catalogue.Query) []client.Year {
	out := []client.Year{}
	if len(page.Series) == 0 {
		return out
	}
	last := 0
	for i, n := range page.Series[0] {
		if n > 0 || len(out) > 0 {
			out = append(out, client.Year{Year: time.UnixMilli(q.Series[0].Edges[i]).UTC().Year(), Count: n})
		}
		if n > 0 {
			last = len(out)
		}
	}
	return out[:last]
}

type statsInput struct {
	Q string `query:"q" doc:"Only of records that this query finds."`
	Moment
}

func (a *api) stats(ctx context.Context, in *statsInput) (*of[client.Statistics], error) {
	tree, err := query.Parse(in.Q)
	if err != nil {
		return nil, err
	}
	at, err := in.Moment.read()
	if err != nil {
		return nil, err
	}
	status, err := a.Status(ctx)
	if err != nil {
		return nil, err
	}
	q := catalogue.Query{Tree: tree, At: at, Facets: []string{"state", "severity", "kev", "year", "assigner", "cwe"}, Top: 200} // years are few
	page, err := a.counted(ctx, &q)
	if err != nil {
		return nil, err
	}
	table := func(dim string, top int) map[string]int {
		values := page.Facets[dim]
		out := make(map[string]int, len(values))
		for _, v := range values[:min(top, len(values))] {
			out[v.Value] = v.Count
		}
		return out
	}
	return reply(client.Statistics{List: status.List, Query: tree.String(), Total: page.Total, Records: table("state", q.Top), Leaves: page.Size,
		Checkpoint: status.Checkpoint, Signed: some(status.Signed), Moment: momentOf(page.Moment), Severity: table("severity", q.Top),
		Exploited: sum(page.Facets["kev"]), Years: table("year", q.Top), Published: yearsOf(page, q),
		Assigners: table("assigner", 10), Weaknesses: table("cwe", 10)})
}
