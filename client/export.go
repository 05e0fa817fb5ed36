package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Exported is one line of an export with form=envelope.
type Exported struct {
	ID     string         `json:"id"`
	Index  int64          `json:"index" doc:"The leaf of the log that this version is."`
	Record jsontext.Value `json:"record" doc:"The record itself (CVE JSON 5), compact and otherwise unchanged."`
	Cursor string         `json:"cursor,omitzero" doc:"Now and then: where an export may go on that was cut after this line."`
}

// Export asks for whole records.
type Export struct {
	Q      string // only records that this query finds
	At     At
	Cursor string // the Exported.Cursor of an earlier export with the same query
}

// Export gives every record that a query finds, in the order of publication. When the connection is cut on the way it goes on
// where it stopped, as long as each attempt brings something. It ends after the first error.
func (c *Client) Export(ctx context.Context, e Export) iter.Seq2[Exported, error] {
	return func(yield func(Exported, error) bool) {
		given := map[string]bool{} // since the last cursor
		for {
			progress, stop, err := c.exportOnce(ctx, &e, given, yield)
			if stop {
				return
			}
			if err == nil || ctx.Err() != nil || !progress || !errors.Is(err, ErrCut) {
				if err != nil {
					yield(Exported{}, err)
				}
				return
			}
		}
	}
}

// exportOnce reads one answer. It moves e.Cursor on and forgets what was given before it.
func (c *Client) exportOnce(ctx context.Context, e *Export, given map[string]bool, yield func(Exported, error) bool) (progress, stop bool, err error) {
	v := e.At.values(url.Values{"form": {"envelope"}})
	set(v, "q", e.Q)
	set(v, "cursor", e.Cursor)
	resp, err := c.open(ctx, "export", v, nil)
	if err != nil {
		return false, false, err
	}
	defer resp.Body.Close()
	in := bufio.NewReaderSize(resp.Body, 1<<16)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return progress, false, nil
		}
		if err != nil {
			return progress, false, fmt.Errorf("client: export: %w: %w", ErrCut, err)
		}
		var x Exported
		if err := json.Unmarshal(line, &x, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
			return progress, false, fmt.Errorf("client: export: the node's answer: %w", err)
		}
		if !given[x.ID] {
			progress = true
			if !yield(x, nil) {
				return progress, true, nil
			}
			given[x.ID] = true
		}
		if x.Cursor != "" {
			e.Cursor = x.Cursor
			clear(given)
		}
	}
}

// Atom asks for a search as an Atom feed, last changed first; at most limit entries, 0 for the node's default.
func (c *Client) Atom(ctx context.Context, q string, limit int) ([]byte, error) {
	v := url.Values{}
	set(v, "q", q)
	if limit != 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
	return c.text(ctx, "search.atom", v)
}

// OpenAPI asks for the description of the API: an OpenAPI 3.1 document in JSON.
func (c *Client) OpenAPI(ctx context.Context) ([]byte, error) {
	return c.text(ctx, "openapi.json", nil)
}
