package cveservices

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Record reads a record as it was published; anyone may. One that is not there is an *Error with NoRecord.
func (c *Client) Record(ctx context.Context, id string) (record json.RawMessage, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "cve/" + escape(id), public: true}, &record)
	return record, err
}

// RecordFilter narrows lists of records; zero values do not.
type RecordFilter struct {
	State       string // PUBLISHED or REJECTED
	Assigner    string // short name
	AssignerID  string // UUID
	ADP         string // short name of an organisation with an ADP container
	Modified    Window
	CNAModified bool // Modified means the CNA's container; it needs one end of Modified
}

func (f RecordFilter) values() url.Values {
	v := url.Values{}
	set(v, "state", f.State)
	set(v, "assigner_short_name", f.Assigner)
	set(v, "assigner", f.AssignerID)
	set(v, "adp_short_name", f.ADP)
	f.Modified.set(v, "time_modified")
	if f.CNAModified {
		v.Set("cna_modified", "true")
	}
	return v
}

func (c *Client) records(f RecordFilter) list[json.RawMessage] {
	return list[json.RawMessage]{c, "cve", f.values(), "cveRecords"}
}

// Records lists records by identifier. For a Secretariat and for bulk readers.
func (c *Client) Records(ctx context.Context, f RecordFilter) iter.Seq2[json.RawMessage, error] {
	return c.records(f).all(ctx)
}

// RecordPage asks for one page of Records, from 1.
func (c *Client) RecordPage(ctx context.Context, f RecordFilter, page int64) (Page[json.RawMessage], error) {
	return c.records(f).page(ctx, page)
}

// CountRecords counts what Records lists.
func (c *Client) CountRecords(ctx context.Context, f RecordFilter) (int64, error) {
	v := f.values()
	v.Set("count_only", "true")
	return c.count(ctx, call{method: http.MethodGet, path: "cve", query: v})
}

// Count counts all records, or those in a state (PUBLISHED or REJECTED); anyone may. Servers of release lines before 2.5 do not
// know the question.
func (c *Client) Count(ctx context.Context, state string) (int64, error) {
	v := url.Values{}
	set(v, "state", state)
	return c.count(ctx, call{method: http.MethodGet, path: "cve_count", query: v, public: true})
}

func (c *Client) count(ctx context.Context, q call) (int64, error) {
	var body struct {
		Total *int64 `json:"totalCount"`
	}
	if _, err := c.do(ctx, q, &body); err != nil {
		return 0, err
	}
	if body.Total == nil {
		return 0, fmt.Errorf("GET %s: %w: it has no totalCount", q.path, ErrAnswer)
	}
	return *body.Total, nil
}

// RecordsByCursor lists records, newest first, so that what is created meanwhile moves nothing: for a Secretariat and for bulk
// readers. limit is how many come in one answer, 0 for the server's own measure.
func (c *Client) RecordsByCursor(ctx context.Context, f RecordFilter, limit int) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		v := f.values()
		if limit > 0 {
			v.Set("limit", strconv.Itoa(limit))
		}
		for {
			var body struct {
				Records []json.RawMessage `json:"cveRecords"`
				HasNext bool              `json:"hasNext"`
				Next    string            `json:"next"`
			}
			if _, err := c.do(ctx, call{method: http.MethodGet, path: "cve_cursor", query: v}, &body); err != nil {
				yield(nil, err)
				return
			}
			for _, r := range body.Records {
				if !yield(r, nil) {
					return
				}
			}
			if !body.HasNext {
				return
			}
			if body.Next == "" || body.Next == v.Get("next_page") {
				yield(nil, fmt.Errorf("GET cve_cursor: %w: the next page is this one", ErrAnswer))
				return
			}
			v.Set("next_page", body.Next)
		}
	}
}

// Submitted is the server's answer to a record or container that it took.
type Submitted struct {
	Message string
	Record  json.RawMessage
}

func (c *Client) submit(ctx context.Context, method, path, member string, doc json.RawMessage) (Submitted, error) {
	var body struct {
		Message string          `json:"message"`
		Created json.RawMessage `json:"created"`
		Updated json.RawMessage `json:"updated"`
	}
	q := call{method: method, path: path, body: doc, once: method == http.MethodPost}
	if member != "" {
		q.body = map[string]json.RawMessage{member: doc}
	}
	_, err := c.do(ctx, q, &body)
	out := Submitted{Message: oneLine(body.Message, 400), Record: body.Created}
	if len(out.Record) == 0 {
		out.Record = body.Updated
	}
	return out, err
}

// Publish publishes a CNA container under an identifier that has no record; with one it is an *Error with RecordExists.
func (c *Client) Publish(ctx context.Context, id string, container json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPost, "cve/"+escape(id)+"/cna", "cnaContainer", container)
}

// Update puts a CNA container in the place of the one that is there; a rejected record is published again by it.
func (c *Client) Update(ctx context.Context, id string, container json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPut, "cve/"+escape(id)+"/cna", "cnaContainer", container)
}

// Reject makes a rejected record of an identifier that has none; with one it is an *Error with RecordExists.
func (c *Client) Reject(ctx context.Context, id string, container json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPost, "cve/"+escape(id)+"/reject", "cnaContainer", container)
}

// RejectRecord rejects a record that is there, or says anew why it is rejected.
func (c *Client) RejectRecord(ctx context.Context, id string, container json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPut, "cve/"+escape(id)+"/reject", "cnaContainer", container)
}

// PutADP puts the caller's ADP container into anybody's published record, in the place of its earlier one.
func (c *Client) PutADP(ctx context.Context, id string, container json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPut, "cve/"+escape(id)+"/adp", "adpContainer", container)
}

// CreateRecord stores a whole record as it is. The Secretariat's.
func (c *Client) CreateRecord(ctx context.Context, id string, record json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPost, "cve/"+escape(id), "", record)
}

// ReplaceRecord stores a whole record in the place of the one that is there. The Secretariat's.
func (c *Client) ReplaceRecord(ctx context.Context, id string, record json.RawMessage) (Submitted, error) {
	return c.submit(ctx, http.MethodPut, "cve/"+escape(id), "", record)
}

// Health asks whether the server is up; anyone may.
func (c *Client) Health(ctx context.Context) error {
	_, err := c.do(ctx, call{method: http.MethodGet, path: "health-check", public: true}, nil)
	return err
}
