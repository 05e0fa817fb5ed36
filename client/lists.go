package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// List names a list of the catalogue: everybody and everything that records are counted by.
type List string

// The lists.
const (
	Vendors    List = "vendors"
	Products   List = "products"
	Weaknesses List = "weaknesses"
	Assigners  List = "assigners"
)

// Names is one page of a list.
type Names struct {
	Items []Count `json:"items" doc:"The most frequent first."`
	Total int     `json:"total" doc:"How many names there are in all."`
	Next  string  `json:"next,omitzero" doc:"The cursor of the page after; absent at the end."`
	Size  int64   `json:"size" doc:"Leaves of the log that the answer covers."`
}

// Named is what the list knows of one vendor, product, weakness or assigner.
type Named struct {
	Name       string  `json:"name"`
	Query      string  `json:"query" doc:"The query that finds its records."`
	Total      int     `json:"total" doc:"Records."`
	Size       int64   `json:"size" doc:"Leaves of the log that the answer covers."`
	Exploited  int     `json:"known_exploited" doc:"Those that CISA knows to be exploited."`
	States     []Count `json:"states"`
	Severities []Count `json:"severities"`
	Years      []Year  `json:"years" doc:"Records by the year of their publication, oldest first, without gaps."`
	Vendors    []Count `json:"vendors,omitzero" doc:"The most frequent ones."`
	Products   []Count `json:"products,omitzero" doc:"The most frequent ones."`
	Weaknesses []Count `json:"weaknesses,omitzero" doc:"The most frequent ones."`
	Assigners  []Count `json:"assigners,omitzero" doc:"The most frequent ones."`
}

// Year is a number of records.
type Year struct {
	Year  int `json:"year"`
	Count int `json:"count"`
}

// Statistics counts the records that a query finds, or all of them.
type Statistics struct {
	List       string         `json:"list" doc:"The list's id: the hash of its first charter."`
	Query      string         `json:"query,omitzero" doc:"The query in its canonical form."`
	Total      int            `json:"total" doc:"Records."`
	Records    map[string]int `json:"records" doc:"By state."`
	Leaves     int64          `json:"leaves" doc:"Leaves of the log that the answer covers."`
	Checkpoint int64          `json:"checkpoint" doc:"Leaves that the newest signed checkpoint covers."`
	Signed     *time.Time     `json:"signed,omitzero" doc:"When it was signed." format:"date-time"`
	Moment     *Moment        `json:"moment,omitzero" doc:"The moment that was asked for."`
	Severity   map[string]int `json:"severity"`
	Exploited  int            `json:"known_exploited"`
	Years      map[string]int `json:"years" doc:"By the year in the identifier."`
	Published  []Year         `json:"published" doc:"By the year of publication, oldest first, without gaps."`
	Assigners  map[string]int `json:"assigners" doc:"The ten most frequent ones."`
	Weaknesses map[string]int `json:"weaknesses" doc:"The ten most frequent ones."`
}

// NamesQuery asks for a page of a list.
type NamesQuery struct {
	Q      string // only of records that this query finds
	Prefix string // only names that begin so, whatever the letter case
	Limit  int    // names per page, at most 1,000; 0 means 100
	Cursor string // Names.Next of the page before
}

// Names asks for a page of a list.
func (c *Client) Names(ctx context.Context, l List, q NamesQuery) (*Names, error) {
	v := url.Values{}
	set(v, "q", q.Q)
	set(v, "prefix", q.Prefix)
	set(v, "cursor", q.Cursor)
	if q.Limit != 0 {
		v.Set("limit", strconv.Itoa(q.Limit))
	}
	return ask[Names](ctx, c, path(string(l)), v)
}

// Named asks for one vendor, product, weakness or assigner.
func (c *Client) Named(ctx context.Context, l List, name string) (*Named, error) {
	return ask[Named](ctx, c, path(string(l), name), nil)
}

// Stats counts what a query finds ("" for all records), as known at a moment.
func (c *Client) Stats(ctx context.Context, q string, at At) (*Statistics, error) {
	v := at.values(url.Values{})
	set(v, "q", q)
	return ask[Statistics](ctx, c, "stats", v)
}
