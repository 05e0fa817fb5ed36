package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Query is a question to the list in the query language.
type Query struct {
	Q       string   // the query; "" holds for every record
	Sort    string   // newest (default), oldest, relevance, severity, exploited or changed
	Limit   int      // hits per page, at most 1,000; 0 means 20
	Cursor  string   // Page.Next of the page before
	Facets  []string // dimensions to count
	Top     int      // values per facet; 0 means 12
	At      At
	Explain bool // fill Page.Explanation
}

func (q Query) values() url.Values {
	v := q.At.values(url.Values{})
	set(v, "q", q.Q)
	set(v, "sort", q.Sort)
	set(v, "cursor", q.Cursor)
	set(v, "facets", strings.Join(q.Facets, ","))
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	if q.Top != 0 {
		v.Set("top", strconv.Itoa(q.Top))
	}
	if q.Explain {
		v.Set("explain", "1")
	}
	return v
}

// Page is one page of hits.
type Page struct {
	Total       int                `json:"total" doc:"How many records the query finds."`
	Size        int64              `json:"size" doc:"Leaves of the log that the answer covers."`
	Query       string             `json:"query,omitzero" doc:"The query in its canonical form."`
	Hits        []Hit              `json:"hits"`
	Next        string             `json:"next,omitzero" doc:"The cursor of the page after; absent at the end."`
	Facets      map[string][]Count `json:"facets,omitzero" doc:"By dimension: its most frequent values among the hits."`
	Moment      *Moment            `json:"moment,omitzero" doc:"The moment that was asked for."`
	Explanation *Explanation       `json:"explanation,omitzero" doc:"How the query was read and answered, with explain=1."`
}

// Hit is one record as a list shows it: enough to judge it by.
type Hit struct {
	ID        string     `json:"id" example:"CVE-2024-23917"`
	State     string     `json:"state" example:"PUBLISHED"`
	Title     string     `json:"title,omitzero" doc:"The CNA's title, if it gave one."`
	Summary   string     `json:"summary,omitzero" doc:"The first sentence of the description."`
	Lang      string     `json:"lang,omitzero" doc:"The language of summary."`
	Products  []string   `json:"products,omitzero" doc:"The first few products with the range that is affected."`
	Score     float64    `json:"score,omitzero" doc:"The score to judge by: cvss.value."`
	Severity  string     `json:"severity" doc:"The severity to judge by, or unscored." example:"critical"`
	CVSS      *Score     `json:"cvss,omitzero"`
	CWE       []string   `json:"cwe,omitzero"`
	KEV       string     `json:"kev,omitzero" doc:"The day it entered CISA's catalogue of exploited vulnerabilities." format:"date"`
	SSVC      string     `json:"ssvc,omitzero" doc:"Exploitation as SSVC says it: none, poc or active."`
	Published *time.Time `json:"published,omitzero" format:"date-time"`
	Changed   time.Time  `json:"changed" doc:"The last change as clients that poll for changes see it." format:"date-time"`
	Assigner  string     `json:"assigner,omitzero" doc:"The short name of the CNA."`
}

// Score is one CVSS score with whose it is.
type Score struct {
	Version  string  `json:"version" example:"3.1"`
	Value    float64 `json:"value"`
	Severity string  `json:"severity" doc:"In lower case."`
	Vector   string  `json:"vector"`
	Source   string  `json:"source" doc:"Who scored: a short name, or a UUID where the container has none."`
	CNA      bool    `json:"cna" doc:"Whether that is the assigner itself."`
}

// Count is one value of a dimension and how many records have it.
type Count struct {
	Value string `json:"value"`
	Count int    `json:"count"`
}

// Moment is a moment in the life of the list, looked up.
type Moment struct {
	Size  int64      `json:"size" doc:"Leaves that the log had by then; with the source clock all that it has now."`
	Head  int64      `json:"head" doc:"Leaves that the log has now."`
	Time  *time.Time `json:"time,omitzero" doc:"When the last of them was logged." format:"date-time"`
	First *time.Time `json:"first,omitzero" doc:"When this list learnt its first record; an earlier moment knows nothing." format:"date-time"`
	Clock string     `json:"clock" doc:"By whose time." enum:"log,source"`
}

// Explanation is how a query was read and which index served it.
type Explanation struct {
	Read   string `json:"read" doc:"The query as it was understood, with all brackets."`
	Nodes  []Node `json:"nodes" doc:"The parts of the query, the whole before its parts."`
	Micros int64  `json:"micros" doc:"How long the answer took, in microseconds."`
}

// Node is one part of a query.
type Node struct {
	Text  string `json:"text"`
	Span  Span   `json:"span" doc:"Where it stands in q, in bytes."`
	Depth int    `json:"depth"`
	Index string `json:"index" doc:"What answered it."`
	Hits  int    `json:"hits" doc:"Records for which this part alone holds."`
}

// SearchPage asks for one page.
func (c *Client) SearchPage(ctx context.Context, q Query) (*Page, error) {
	return ask[Page](ctx, c, "search", q.values())
}

// Search gives every hit of a query, page by page. It ends after the first error.
func (c *Client) Search(ctx context.Context, q Query) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		if q.Limit == 0 {
			q.Limit = 100
		}
		for {
			page, err := c.SearchPage(ctx, q)
			if err != nil {
				yield(Hit{}, err)
				return
			}
			for _, h := range page.Hits {
				if !yield(h, nil) {
					return
				}
			}
			if q.Cursor = page.Next; page.Next == "" {
				return
			}
		}
	}
}

// Completion is how a query that is being typed may go on.
type Completion struct {
	Span    Span     `json:"span" doc:"The part of q that an option replaces, in bytes."`
	Options []Option `json:"options"`
}

// Option is one way to go on.
type Option struct {
	Insert string `json:"insert" doc:"What to put in the place of span."`
	Label  string `json:"label" doc:"What to show."`
	Count  int    `json:"count,omitzero" doc:"Records that have this value."`
	Field  string `json:"field,omitzero" doc:"The field that the option names or is a value of."`
}

// Complete asks how the query q may go on at cursor, a byte offset; at most limit options, 0 for the node's default.
func (c *Client) Complete(ctx context.Context, q string, cursor, limit int) (*Completion, error) {
	v := url.Values{"q": {q}, "cursor": {strconv.Itoa(cursor)}}
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return ask[Completion](ctx, c, "complete", v)
}

// Fields are the fields of the query language.
type Fields struct {
	Fields []Field `json:"fields"`
}

// Field is something that can be asked for by name.
type Field struct {
	Name       string   `json:"name" example:"vendor"`
	Aliases    []string `json:"aliases,omitzero"`
	Kind       string   `json:"kind" doc:"How its values are written: keyword, enum, number, time, flag or text."`
	Values     []string `json:"values,omitzero" doc:"What it can be, where that is a fixed list."`
	Comparable bool     `json:"comparable,omitzero" doc:"Whether it knows >, >=, <, <= and ranges."`
	Help       Words    `json:"help" doc:"What it means."`
	Example    string   `json:"example" doc:"A condition that means something."`
}

// Words is one text in the languages that it is there in.
type Words struct {
	English  string `json:"en,omitzero"`
	Japanese string `json:"ja,omitzero"`
}

// Fields asks for the fields of the query language.
func (c *Client) Fields(ctx context.Context) (*Fields, error) {
	return ask[Fields](ctx, c, "fields", nil)
}
