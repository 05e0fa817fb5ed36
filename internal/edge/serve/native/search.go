package native

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"tasuki/client"
	"tasuki/internal/catalogue"
	"tasuki/internal/query"
)

// dimensions can be counted as facets.
var dimensions = []string{"assigner", "cwe", "has", "kev", "lang", "product", "reference", "severity", "source", "ssvc", "state", "status", "tag", "vendor", "year"}

// orders are the values of sort.
var orders = map[string]catalogue.Order{
	"newest": catalogue.Newest, "oldest": catalogue.Oldest, "relevance": catalogue.Relevance,
	"severity": catalogue.Severest, "exploited": catalogue.Exploited, "changed": catalogue.Touched,
}

func (a *api) searchOperations() {
	get(a, operation{id: "search", path: "search", tag: "search", summary: "Search the list",
		text: "Answers one page of the records that a query finds, each with what is needed to judge it."}, a.search)
	get(a, operation{id: "complete", path: "complete", tag: "search", summary: "Complete a query that is being typed",
		text: "Says which fields, values, identifiers or dates may come at the cursor, with how many records have them."}, a.complete)
	get(a, operation{id: "list-fields", path: "fields", tag: "search", summary: "List the fields of the query language"}, a.fields)
}

type searchInput struct {
	Q       string `query:"q" doc:"The query. Without it: every record." example:"vendor:jetbrains severity>=high"`
	Sort    string `query:"sort" doc:"newest and oldest are by publication, severity by the score to judge by, exploited by the day of entering CISA's catalogue, changed by the last change. relevance needs words in q." enum:"newest,oldest,relevance,severity,exploited,changed" default:"newest"`
	Limit   int    `query:"limit" doc:"Hits per page." minimum:"0" maximum:"1000" default:"20"`
	Cursor  string `query:"cursor" doc:"next of the page before."`
	Facets  string `query:"facets" doc:"Dimensions to count, with commas between them: assigner, cwe, has, kev, lang, product, reference, severity, source, ssvc, state, status, tag, vendor, year." example:"severity,vendor"`
	Top     int    `query:"top" doc:"Values per facet." minimum:"1" maximum:"1000" default:"12"`
	Explain string `query:"explain" doc:"1 explains how the query was read and answered." enum:"0,1" default:"0"`
	Moment
}

func (in *searchInput) read() (q catalogue.Query, err error) {
	q = catalogue.Query{Limit: in.Limit, Cursor: in.Cursor, Top: in.Top, Sort: orders[in.Sort], Explain: in.Explain == "1"}
	if q.Tree, err = query.Parse(in.Q); err != nil {
		return q, err
	}
	if q.At, err = in.Moment.read(); err != nil {
		return q, err
	}
	if q.Sort == catalogue.Relevance && q.Tree.Root == nil {
		return q, wrong("sort", "sort=relevance needs q")
	}
	q.Facets, err = facets(in.Facets)
	return q, err
}

// facets reads a list of dimensions.
func facets(given string) ([]string, error) {
	var out []string
	if given == "" {
		return nil, nil
	}
	for f := range strings.SplitSeq(given, ",") {
		f = strings.TrimSpace(f)
		if !slices.Contains(dimensions, f) {
			return nil, wrong("facets", "there is no dimension "+strconv.Quote(f)+"; there are "+strings.Join(dimensions, ", "))
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

func (a *api) search(ctx context.Context, in *searchInput) (*of[client.Page], error) {
	q, err := in.read()
	if err != nil {
		return nil, err
	}
	page, err := a.find(ctx, q)
	if err != nil {
		return nil, err
	}
	out := client.Page{Total: page.Total, Size: page.Size, Query: q.Tree.String(), Next: page.Next, Hits: make([]client.Hit, len(page.Hits)),
		Moment: momentOf(page.Moment)}
	for i, h := range page.Hits {
		out.Hits[i] = hitOf(h)
	}
	for dim, values := range page.Facets {
		if out.Facets == nil {
			out.Facets = map[string][]client.Count{}
		}
		out.Facets[dim] = countsOf(values)
	}
	if e := page.Explanation; e != nil {
		out.Explanation = &client.Explanation{Read: e.Read, Micros: e.Took.Microseconds(), Nodes: make([]client.Node, len(e.Nodes))}
		for i, n := range e.Nodes {
			out.Explanation.Nodes[i] = client.Node{Text: n.Text, Span: client.Span(n.Span), Depth: n.Depth, Index: n.Index, Hits: n.Hits}
		}
	}
	return reply(out)
}

// find searches. Ages in a query about now are counted from the node's clock, those in one about a moment from there.
func (a *api) find(ctx context.Context, q catalogue.Query) (*catalogue.Page, error) {
	if q.At.IsZero() {
		q.Now = a.Now()
	}
	return a.Catalogue.Search(ctx, q)
}

func hitOf(h catalogue.Hit) client.Hit {
	out := client.Hit{ID: h.ID, State: string(h.State), Title: h.Title, Summary: h.Summary, Lang: h.Lang, Products: h.Products, CVSS: scoreOf(h.Score),
		Severity: "unscored", CWE: h.CWE, KEV: h.KEV, SSVC: h.SSVC, Published: some(h.Published), Changed: h.Changed.UTC(), Assigner: h.Assigner}
	if h.Score != nil {
		out.Score, out.Severity = h.Score.Value, h.Score.Severity
	}
	return out
}

func scoreOf(s *catalogue.Score) *client.Score {
	if s == nil {
		return nil
	}
	return new(client.Score(*s))
}

func countsOf(values []catalogue.FacetCount) []client.Count {
	out := make([]client.Count, len(values))
	for i, v := range values {
		out[i] = client.Count(v)
	}
	return out
}

func momentOf(m *catalogue.Moment) *client.Moment {
	if m == nil {
		return nil
	}
	clock := m.At.Clock
	if clock == "" {
		clock = catalogue.LogClock
	}
	return &client.Moment{Size: m.Size, Head: m.Head, Time: some(m.Time), First: some(m.First), Clock: string(clock)}
}

// some is a time that is there.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return new(t.UTC())
}

type completeInput struct {
	Q      string `query:"q" doc:"The query so far." example:"vendor:jet"`
	Cursor int    `query:"cursor" doc:"Where the cursor stands in it, in bytes. Without it: at the end." minimum:"-1" default:"-1"`
	Limit  int    `query:"limit" doc:"Options at most." minimum:"1" maximum:"100" default:"10"`
}

func (a *api) complete(ctx context.Context, in *completeInput) (*of[client.Completion], error) {
	if in.Cursor > len(in.Q) {
		return nil, wrong("cursor", "The cursor stands behind the end of q.")
	}
	if in.Cursor < 0 {
		in.Cursor = len(in.Q)
	}
	c, err := a.Catalogue.Complete(ctx, in.Q, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := client.Completion{Span: client.Span(c.Span), Options: make([]client.Option, len(c.Options))}
	for i, o := range c.Options {
		out.Options[i] = client.Option{Insert: o.Insert, Label: cmp.Or(o.Label, o.Insert), Count: o.Count}
		if o.Field != nil {
			out.Options[i].Field = o.Field.Name
		}
	}
	return reply(out)
}

// fieldKinds are the kinds of fields in words.
var fieldKinds = map[query.Kind]string{query.Keyword: "keyword", query.Enum: "enum", query.Number: "number", query.Time: "time",
	query.Flag: "flag", query.Zone: "text"}

func (a *api) fields(context.Context, *struct{}) (*of[client.Fields], error) {
	var out client.Fields
	for _, f := range query.Fields() {
		out.Fields = append(out.Fields, client.Field{Name: f.Name, Aliases: f.Aliases, Kind: fieldKinds[f.Kind], Values: f.Values(), Comparable: f.Comparable(),
			Help: client.Words{English: f.Help["en"], Japanese: f.Help["ja"]}, Example: f.Example})
	}
	return reply(out)
}
