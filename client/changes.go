package client

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Change is what happened to one record.
type Change struct {
	Index int64     `json:"index" doc:"The leaf of the log that says so."`
	ID    string    `json:"id" example:"CVE-2024-23917"`
	What  string    `json:"what" doc:"A record that was rejected is withdrawn, one that came back from there restored." enum:"added,changed,withdrawn,restored,erased"`
	Time  time.Time `json:"time" doc:"When it was logged." format:"date-time"`
	State string    `json:"state,omitzero" doc:"The state after the change; absent when it was erased."`
	Was   string    `json:"was,omitzero" doc:"The state before; absent when the list did not know the record."`
	Old   int64     `json:"old" doc:"The leaf of the version before; -1 when there was none."`
	New   int64     `json:"new" doc:"The leaf of the version after."`
	Hit   *Hit      `json:"hit,omitzero" doc:"The record as a list shows it now; absent when it is gone."`
}

// Feed is a part of the log: what happened to records, each change once, in the log's order.
type Feed struct {
	Changes []Change `json:"changes"`
	Next    int64    `json:"next" doc:"The cursor to go on from: since of the next question."`
	Head    int64    `json:"head" doc:"Leaves that the log has: when next has reached it there is no more for now."`
}

// ListDifference says which records differ between two moments.
type ListDifference struct {
	From    Moment         `json:"from"`
	To      Moment         `json:"to"`
	Totals  map[string]int `json:"totals,omitzero" doc:"Of all pages, by what happened; only on the first page."`
	Changes []Change       `json:"changes" doc:"In the order of the log."`
	Next    string         `json:"next,omitzero" doc:"The cursor of the page after; absent at the end."`
}

// Since asks for what happened since a cursor.
type Since struct {
	Cursor int64  // Feed.Next of an earlier answer; 0 for all from the beginning
	Limit  int    // leaves to look at, at most 1,000; 0 means 100
	Q      string // only changes of records that this query finds as they were before or are after, and erasures
}

// Changes asks for what happened to records since a cursor.
func (c *Client) Changes(ctx context.Context, s Since) (*Feed, error) {
	v := url.Values{"since": {strconv.FormatInt(s.Cursor, 10)}}
	set(v, "q", s.Q)
	if s.Limit != 0 {
		v.Set("limit", strconv.Itoa(s.Limit))
	}
	return ask[Feed](ctx, c, "changes", v)
}

// Lists asks what differs between two moments of the list. The zero At as To means now.
type Lists struct {
	From, To At
	Kinds    []string // only these kinds of change; none means all
	Limit    int      // changes per page; 0 means 100
	Cursor   string   // ListDifference.Next of the page before
}

// ListDiff asks for one page of what differs between two moments. Both moments are by the same clock, From's.
func (c *Client) ListDiff(ctx context.Context, l Lists) (*ListDifference, error) {
	v := url.Values{}
	set(v, "from", l.From.String())
	set(v, "to", l.To.String())
	set(v, "clock", l.From.Clock)
	set(v, "kinds", strings.Join(l.Kinds, ","))
	set(v, "cursor", l.Cursor)
	if l.Limit != 0 {
		v.Set("limit", strconv.Itoa(l.Limit))
	}
	return ask[ListDifference](ctx, c, "diff", v)
}
