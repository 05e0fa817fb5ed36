package cveservices

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// IDFilter narrows the list of identifiers; zero values do not.
type IDFilter struct {
	State    string // RESERVED, PUBLISHED or REJECTED
	Year     int64
	Reserved Window
	Modified Window // any change of the identifier, its record's included
}

func (c *Client) ids(f IDFilter) list[ID] {
	v := url.Values{}
	set(v, "state", f.State)
	setInt(v, "cve_id_year", f.Year)
	f.Reserved.set(v, "time_reserved")
	f.Modified.set(v, "time_modified")
	return list[ID]{c, "cve-id", v, "cve_ids"}
}

// IDs lists the identifiers of the caller's organisation, those of all organisations for a Secretariat. An identifier that changes
// hands or state meanwhile may be told twice or not at all.
func (c *Client) IDs(ctx context.Context, f IDFilter) iter.Seq2[ID, error] { return c.ids(f).all(ctx) }

// IDPage asks for one page of IDs, from 1.
func (c *Client) IDPage(ctx context.Context, f IDFilter, page int64) (Page[ID], error) {
	return c.ids(f).page(ctx, page)
}

// ID reads one identifier; also without credentials, then as a stranger may see it.
func (c *Client) ID(ctx context.Context, id string) (out ID, err error) {
	_, err = c.do(ctx, call{method: http.MethodGet, path: "cve-id/" + escape(id), public: true}, &out)
	return out, err
}

// Batch is how the numbers of a reservation are chosen.
type Batch string

// The batches. Servers give out at most ten non-sequential identifiers at a time.
const (
	Single        Batch = "" // one identifier of the year's priority block
	Sequential    Batch = "sequential"
	NonSequential Batch = "non-sequential"
)

// Reservation asks for identifiers.
type Reservation struct {
	Amount int64
	Year   int64
	Batch  Batch  // needed for more than one
	Org    string // who will own them; "" means the caller's organisation
}

// Reserved is what came of a reservation.
type Reserved struct {
	IDs       []ID
	Remaining int64 // of the owner's quota; −1 when the server did not say
}

// Reserve reserves identifiers. It is sent once: an error that wraps ErrUncertain may hide identifiers that were given out; they
// are in the list of IDs. With PartialAmount both the identifiers that there were and an error are returned.
func (c *Client) Reserve(ctx context.Context, r Reservation) (Reserved, error) {
	v := url.Values{"amount": {strconv.FormatInt(r.Amount, 10)}, "cve_year": {year(r.Year)}, "short_name": {r.Org}}
	if r.Org == "" {
		v.Set("short_name", c.org)
	}
	set(v, "batch_type", string(r.Batch))
	var body struct {
		IDs  []ID `json:"cve_ids"`
		Meta struct {
			Remaining *int64 `json:"remaining_quota"`
		} `json:"meta"`
	}
	a, err := c.do(ctx, call{method: http.MethodPost, path: "cve-id", query: v, once: true}, &body)
	out := Reserved{IDs: body.IDs, Remaining: -1}
	if body.Meta.Remaining != nil {
		out.Remaining = *body.Meta.Remaining
	} else if a != nil {
		if n, nerr := strconv.ParseInt(a.header.Get("CVE-API-REMAINING-QUOTA"), 10, 64); nerr == nil {
			out.Remaining = n
		}
	}
	if err == nil && len(out.IDs) == 0 {
		err = errors.Join(ErrUncertain, ErrAnswer)
	}
	return out, err
}

// year is a year as the API writes it.
func year(n int64) string {
	text := strconv.FormatInt(n, 10)
	for len(text) < 4 {
		text = "0" + text
	}
	return text
}

// IDChange is what to change of an identifier; "" leaves it.
type IDChange struct {
	State string // RESERVED or REJECTED, where there is no record
	Org   string // short name of the new owner
}

// ChangeID changes the state or the owner of an identifier.
func (c *Client) ChangeID(ctx context.Context, id string, change IDChange) (ID, error) {
	v := url.Values{}
	set(v, "state", change.State)
	set(v, "org", change.Org)
	var body struct {
		Updated ID `json:"updated"`
	}
	// Who gives an identifier away owns it no more, so that the second of two such changes would be refused.
	_, err := c.do(ctx, call{method: http.MethodPut, path: "cve-id/" + escape(id), query: v, once: change.Org != ""}, &body)
	return body.Updated, err
}

// OpenRange lets identifiers of a year be reserved. The Secretariat's.
func (c *Client) OpenRange(ctx context.Context, of int64) error {
	_, err := c.do(ctx, call{method: http.MethodPost, path: "cve-id-range/" + year(of), once: true}, nil)
	return err
}
